"""A flights sample of our own: the fields of the sample that Dashboards offers, made from numbers, the same every time.

A third of the flights are delayed. Of those that are not, every destination but one has some, so that what a restricted person
counts differs from what there is in every way: in number, in destinations, in carriers.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

INDEX = "kibana_sample_data_flights"
COUNT = 300

_CARRIERS = ("Logstash Airways", "JetBeats", "Kibana Airlines", "ES-Air")
# Airport, city, country: as the sample names them, a dozen of them.
_AIRPORTS = (
    ("Sydney Kingsford Smith International Airport", "Sydney", "AU"),
    ("Venice Marco Polo Airport", "Venice", "IT"),
    ("Treviso-Sant'Angelo Airport", "Treviso", "IT"),
    ("Xi'an Xianyang International Airport", "Xi'an", "CN"),
    ("Warsaw Chopin Airport", "Warsaw", "PL"),
    ("Ottawa Macdonald-Cartier International Airport", "Ottawa", "CA"),
    ("Rajiv Gandhi International Airport", "Hyderabad", "IN"),
    ("Zurich Airport", "Zurich", "CH"),
    ("Ministro Pistarini International Airport", "Buenos Aires", "AR"),
    ("Naha Airport", "Naha", "JP"),
    ("Erie International Tom Ridge Field", "Erie", "US"),
)
_PUNCTUAL = ("São Paulo-Guarulhos International Airport", "São Paulo", "BR")  # no flight to it is ever late
_BEGAN = datetime(2026, 1, 5, tzinfo=UTC)

_KEYWORDS = (
    "FlightNum", "Carrier", "Origin", "OriginAirportID", "OriginCityName", "OriginCountry", "OriginWeather",
    "Dest", "DestAirportID", "DestCityName", "DestCountry", "DestWeather", "FlightDelayType",
)  # fmt: skip
MAPPINGS = {
    "properties": {
        **{name: {"type": "keyword"} for name in _KEYWORDS},
        **{name: {"type": "boolean"} for name in ("FlightDelay", "Cancelled")},
        **{name: {"type": "integer"} for name in ("FlightDelayMin", "dayOfWeek")},
        **{name: {"type": "float"} for name in ("AvgTicketPrice", "DistanceKilometers", "FlightTimeMin")},
        "timestamp": {"type": "date"},
    }
}


def flight(number: int) -> dict[str, Any]:
    """The flight with this number, from 0."""
    late = number % 3 == 0
    origin = _AIRPORTS[number * 7 % len(_AIRPORTS)]
    destination = _PUNCTUAL if number % 12 == 5 else _AIRPORTS[(number * 5 + 3) % len(_AIRPORTS)]
    minutes = 15 + number * 15 % 360 if late else 0
    return {
        "FlightNum": f"P{number:06d}",
        "Carrier": _CARRIERS[number * 3 % 4],
        "Origin": origin[0],
        "OriginAirportID": f"A{number * 7 % len(_AIRPORTS):02d}",
        "OriginCityName": origin[1],
        "OriginCountry": origin[2],
        "OriginWeather": ("Sunny", "Rain", "Clear")[number % 3],
        "Dest": destination[0],
        "DestAirportID": "BR" if destination is _PUNCTUAL else f"A{(number * 5 + 3) % len(_AIRPORTS):02d}",
        "DestCityName": destination[1],
        "DestCountry": destination[2],
        "DestWeather": ("Clear", "Thunder & Lightning", "Hail")[number % 3],
        "FlightDelay": late,
        "FlightDelayMin": minutes,
        "FlightDelayType": ("Weather Delay", "Carrier Delay", "NAS Delay")[number // 3 % 3] if late else "No Delay",
        "Cancelled": number % 17 == 4,
        "AvgTicketPrice": round(100 + number * 37 % 1100 + number % 10 / 10, 2),
        "DistanceKilometers": round(300 + number * 113 % 18_000 + 0.25, 2),
        "FlightTimeMin": round(40 + number * 11 % 1000 + minutes, 1),
        "dayOfWeek": number % 7,
        "timestamp": (_BEGAN + timedelta(hours=number)).isoformat(),
    }


FLIGHTS = tuple(flight(number) for number in range(COUNT))
DELAYED = tuple(one for one in FLIGHTS if one["FlightDelay"])


def add(session: requests.Session) -> None:
    """What "Add data" of the sample does: the index, made anew, and its documents. `session` takes paths (local.door.client.At)."""
    session.delete(f"/{INDEX}")
    made = session.put(f"/{INDEX}", json={"mappings": MAPPINGS, "settings": {"number_of_replicas": 0}})
    assert made.status_code == 200, made.text
    lines = [line for number, one in enumerate(FLIGHTS) for line in ({"index": {"_id": str(number)}}, one)]
    body = "".join(json.dumps(line) + "\n" for line in lines)
    answer = session.post(
        f"/{INDEX}/_bulk?refresh=true", data=body.encode(), headers={"Content-Type": "application/x-ndjson"}
    )
    assert answer.status_code == 200, answer.text
    assert not answer.json()["errors"]
