"use strict";
// Everything that is shown is put in as text: nothing of it is ever read as mark-up.
(() => {
let data, P, width, plane, covers;
const $ = id => document.getElementById(id);
const el = (tag, text, kind) => { const made = document.createElement(tag); if (text !== undefined) made.textContent = text; if (kind) made.className = kind; return made; };
const put = (parent, ...children) => { parent.append(...children); return parent; };
const many = (n, one, more) => n + " " + (n === 1 ? one : more || one + "s");
const bytes = text => Uint8Array.from(atob(text), sign => sign.charCodeAt(0));
function take(fresh) {
  data = fresh; P = data.picture; width = Math.ceil(P.indices.length / 8);
  plane = Object.fromEntries(["reads", "parts", "writes", "doubts"].map(name => [name, bytes(P[name])]));
  covers = P.roles.map(role => role.rules.map(rule => rule.covers ? bytes(rule.covers) : null));
}
const at = (name, p, i) => plane[name][p * width + (i >> 3)] >> (i & 7) & 1;
const covered = (role, rule, i) => { const found = covers[role][rule]; return found === null ? null : Boolean(found[i >> 3] >> (i & 7) & 1); };
const words = (p, i) => {
  const said = [];
  if (at("reads", p, i)) said.push(at("parts", p, i) ? "reads a part" : "reads all");
  if (at("writes", p, i)) said.push("writes");
  if (at("doubts", p, i)) said.push(said.length ? "something of it not known" : "not known");
  return said.join(", ") || "nothing";
};
const utc = text => { const found = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)/.exec(text || ""); return found ? found[1] + " " + found[2] + " UTC" : text || ""; };
const button = (text, does) => { const made = el("button", text); made.type = "button"; made.addEventListener("click", does); return made; };
const list = (items, none) => items.length ? put(el("ul"), ...items.map(one => typeof one === "string" ? el("li", one) : put(el("li"), one))) : el("p", none, "dim");

function top() {
  const why = data.unread.report;
  document.title = "Portcullis report: " + P.deployment;
  $("deployment").textContent = P.deployment;
  $("made").textContent = P.at ? "as it was at " + utc(P.at) + (data.of_file ? ", of the file alone: a group stands for everybody in it" : why ? "; nothing newer: " + why : "")
    : "who may see what is not known: " + why;
  $("made").className = why ? "bad" : "dim";
  $("stopped").textContent = P.stopped ? "Nobody is let in now: " + P.stopped + ". Shown is who would be, once it is open." : "";
}

// ---- the heat map
const LEGEND = [["none", "nothing"], ["part", "reads a part"], ["read", "reads all"], ["write", "writes, too (a bar)"], ["doubt", "not known (a corner: something of it)"]];
const colour = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
for (const [name, says] of LEGEND) { const box = el("span"); box.style.background = "var(--" + name + ")"; put($("legend"), put(el("li"), box, says)); }
function groups() {
  const chosen = $("f-group").value, all = new Set(P.people.flatMap(one => one.groups));
  if (chosen) all.add(chosen);  // a filter stays, though nobody is in that group any more
  $("f-group").replaceChildren($("f-group").options[0], ...[...all].sort().map(group => { const one = el("option", group); one.value = group; return one; }));
  $("f-group").value = chosen;
}
let shownP = [], shownI = [], cell = 8, here = [0, 0], pointedAt = false, picture = null;
const canvas = $("map"), pen = canvas.getContext("2d");

// `place`: names of the person and the index that the map's cursor is to stand on.
function choose(place = []) {
  const person = $("f-person").value.toLowerCase(), index = $("f-index").value.toLowerCase(), group = $("f-group").value, kind = $("f-kind").value;
  shownI = [...P.indices.keys()].filter(i => P.indices[i].toLowerCase().includes(index));
  shownP = [...P.people.keys()].filter(p => P.people[p].person.toLowerCase().includes(person) && (!group || P.people[p].groups.includes(group)));
  if (kind) {
    shownP = shownP.filter(p => shownI.some(i => at(kind, p, i)));
    shownI = shownI.filter(i => shownP.some(p => at(kind, p, i)));
  }
  here = [Math.max(0, shownP.findIndex(p => P.people[p].person === place[0])), Math.max(0, shownI.findIndex(i => P.indices[i] === place[1]))];
  $("count").textContent = many(shownP.length, data.of_file ? "group or person" : "person", data.of_file ? "groups and people" : "people") + " by " + many(shownI.length, "index", "indices");
  draw(); names();
}
function draw() {
  const room = Math.max(300, document.body.clientWidth - 48);
  cell = Math.max(1, Math.min(16, Math.floor(room / Math.max(1, shownI.length)), Math.floor(4000 / Math.max(1, shownP.length))));
  canvas.width = Math.max(1, shownI.length * cell); canvas.height = Math.max(1, shownP.length * cell);
  const shade = Object.fromEntries(LEGEND.map(([name]) => [name, colour(name)]));
  const rgb = Object.fromEntries(Object.entries(shade).map(([name, hex]) => [name, [1, 3, 5].map(from => parseInt(hex.slice(from, from + 2), 16))]));
  picture = pen.createImageData(canvas.width, canvas.height);
  const out = picture.data, bar = Math.max(1, Math.floor(cell / 3));
  shownP.forEach((p, y) => shownI.forEach((i, x) => {
    const main = rgb[at("reads", p, i) ? at("parts", p, i) ? "part" : "read" : at("doubts", p, i) ? "doubt" : "none"], puts = at("writes", p, i), corner = cell > 2 && at("doubts", p, i) ? Math.ceil(cell / 2) : 0;
    for (let dy = 0; dy < cell; dy++) for (let dx = 0, k = ((y * cell + dy) * canvas.width + x * cell) * 4; dx < cell; dx++, k += 4) {
      const c = dx + dy < corner ? rgb.doubt : puts && dy >= cell - bar && (cell > 1 || (x + y) % 2) ? rgb.write : cell > 4 && (dx === 0 || dy === 0) ? rgb.none : main;
      out[k] = c[0]; out[k + 1] = c[1]; out[k + 2] = c[2]; out[k + 3] = 255;
    }
  }));
  pen.putImageData(picture, 0, 0);
}
function cursor(open) {
  if (!shownP.length || !shownI.length) return;
  const [y, x] = here, p = shownP[y], i = shownI[x];
  pen.putImageData(picture, 0, 0); pen.strokeStyle = colour("mark"); pen.lineWidth = 2; pen.strokeRect(x * cell - 1, y * cell - 1, cell + 2, cell + 2);
  $("said").textContent = P.people[p].person + " on " + P.indices[i] + ": " + words(p, i);
  if (open) reasons(p, i);
  pointedAt = true;
}
canvas.addEventListener("keydown", event => {
  const step = event.shiftKey ? 10 : 1, move = { ArrowUp: [-step, 0], ArrowDown: [step, 0], ArrowLeft: [0, -step], ArrowRight: [0, step], Home: [0, -1e9], End: [0, 1e9], PageUp: [-1e9, 0], PageDown: [1e9, 0] }[event.key];
  if (move) here = [Math.max(0, Math.min(shownP.length - 1, here[0] + move[0])), Math.max(0, Math.min(shownI.length - 1, here[1] + move[1]))];
  else if (event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault(); cursor(!move);
});
const pointed = event => { const box = canvas.getBoundingClientRect(); return [Math.floor((event.clientY - box.top) / box.height * shownP.length), Math.floor((event.clientX - box.left) / box.width * shownI.length)]; };
canvas.addEventListener("click", event => { here = pointed(event); cursor(true); });
canvas.addEventListener("mousemove", event => { const [y, x] = pointed(event), p = shownP[y], i = shownI[x]; if (p !== undefined && i !== undefined) $("said").textContent = P.people[p].person + " on " + P.indices[i] + ": " + words(p, i); });
const MOST = 200;
function names() {
  const some = (into, all, name, open) => { $(into).replaceChildren(...all.slice(0, MOST).map(one => put(el("li"), button(name(one), () => open(one)))), ...(all.length > MOST ? [el("li", "and " + (all.length - MOST) + " more: the filters above find them")] : [])); };
  some("people", shownP, p => P.people[p].person, person); some("indices", shownI, i => P.indices[i], index);
}

// ---- one person, one index, one cell
let opened = null, again = false;  // names of what is open; whether it is only drawn again
function show(title, ...parts) {
  $("detail").replaceChildren(el("h3", title), ...parts);
  if (!again) { $("detail").scrollIntoView({ block: "nearest" }); $("detail").focus(); }
}
function chain(p) {
  const one = P.people[p], made = el("dl"), line = (label, ...items) => { put(made, el("dt", label)); for (const item of items.length ? items : ["none"]) put(made, el("dd", item)); };
  line("groups", ...one.groups);
  if (one.carried) line("token", "carries the role of " + one.carried);
  line("principal", one.principal || "(any name)"); line("backend roles", ...one.backend);
  line("mappings", ...one.roles.map(([role, entry]) => entry + " gives " + P.roles[role].name));
  if (one.stops) line("stops", one.stops);
  return made;
}
function rulesOf(p, i) {
  return P.people[p].roles.flatMap(([role]) => P.roles[role].rules.map((rule, n) => [role, rule, covered(role, n, i)]))
    .filter(([, , on]) => on !== false).map(([role, rule, on]) => P.roles[role].name + ": " + rule.says + (rule.limits ? ", " + rule.limits : "") + (on === null ? " (perhaps: it depends on who asks, or on the day)" : ""));
}
function reasons(p, i) {
  opened = { person: P.people[p].person, index: P.indices[i] };
  show(P.people[p].person + " on " + P.indices[i] + ": " + words(p, i), chain(p), el("h4", "permissions on it"), list(rulesOf(p, i), "no permission of theirs is on it"),
    put(el("p"), button("all of " + P.people[p].name, () => person(p)), " ", button("all of " + P.indices[i], () => index(i))));
}
function person(p) {
  opened = { person: P.people[p].person };
  const of = {}; for (const i of P.indices.keys()) { const said = words(p, i); if (said !== "nothing") (of[said] ||= []).push(i); }
  const found = data.findings.filter(one => one.about === P.people[p].person);
  show(P.people[p].person, chain(p), ...Object.entries(of).flatMap(([said, some]) => [el("h4", said + ": " + many(some.length, "index", "indices")), few(some, i => P.indices[i], i => reasons(p, i))]),
    ...(Object.keys(of).length ? [] : [el("p", "no access to any index", "dim")]), ...(found.length ? [el("h4", "findings"), list(found.map(one => one.says))] : []));
}
function index(i) {
  opened = { index: P.indices[i] };
  const of = {}; for (const p of P.people.keys()) { const said = words(p, i); if (said !== "nothing") (of[said] ||= []).push(p); }
  show(P.indices[i], ...Object.entries(of).flatMap(([said, some]) => [el("h4", said + ": " + many(some.length, "person", "people")), few(some, p => P.people[p].person, p => reasons(p, i))]), ...(Object.keys(of).length ? [] : [el("p", "nobody has access", "dim")]));
}
function few(all, name, open) { return put(el("ul"), ...all.slice(0, MOST).map(one => put(el("li"), button(name(one), () => open(one)))), ...(all.length > MOST ? [el("li", "and " + (all.length - MOST) + " more")] : [])); }

// ---- what was found, and how things are
const into = (id, ...parts) => $(id).querySelector("div").replaceChildren(...parts);
const isPath = one => one.code === "path-to-administration";
const finding = one => put(el("div"), el("p", one.says, one.certain ? "bad" : ""), ...(one.path.length ? [put(el("ol"), ...one.path.map(step => el("li", step)))] : []), el("p", one.remedy, "dim"));
const told = (some, none) => data.unread.findings ? [el("p", "could not be looked at: " + data.unread.findings, "bad")] : some.length ? some.map(finding) : [el("p", none, "dim")];
function found() {
  into("paths", ...told(data.findings.filter(isPath), "none is known"));
  into("findings", ...told(data.findings.filter(one => !isPath(one)), "nothing else is found"));
}
function gate() {
  if (data.status) {
    const s = data.status, c = s.custody, made = el("dl"), line = (label, text, kind) => put(made, el("dt", label), el("dd", text, kind));
    line("gate", c.state, c.state === "open" ? "ok" : "bad"); line("key", c.health + (c.cause ? " (" + c.cause + ")" : ""), c.health === "healthy" ? "ok" : "bad");
    line("its ARN", s.registration.key.arn); line("last full check", utc(s.watermark) || "never"); line("pending changes", String(s.steps_waiting || "none"));
    for (const [name, measure] of Object.entries(c.measures)) line("measure " + name, Object.entries(measure).filter(([, v]) => ["string", "number", "boolean"].includes(typeof v) && v !== "").map(([k, v]) => k.replaceAll("_", " ") + " " + v).join(", "));
    into("gate", made, ...[["asks for attention", s.problems], ["not seen", s.blind], ["another road", s.roads]].flatMap(([title, items]) => items.length ? [el("h3", title), list(items)] : []), ...(s.next ? [el("p", "next: " + s.next)] : []));
  } else into("gate", el("p", data.unread.status || "a file has none", "dim"));
}
function drift() {
  into("drift", data.drift ? list(data.drift, "nothing was changed by hand") : el("p", data.unread.drift || "a file has none", "dim"));
}
const rows = new Map();  // each entry of the timeline keeps its row, so that nothing moves under who reads it
function timeline() {
  if (!data.history || !data.history.length) { rows.clear(); into("timeline", el("p", data.unread.history || (data.of_file ? "a file has none" : "nothing yet"), "dim")); return 0; }
  let body = $("timeline").querySelector("tbody"), fresh = 0;
  const first = !body, order = [], seen = {};
  if (first) {
    const head = put(el("thead"), put(el("tr"), ...["when", "what", "how", "who"].map(text => { const made = el("th", text); made.scope = "col"; return made; })));
    body = el("tbody"); into("timeline", put(el("table"), head, body));
  }
  for (const one of data.history) {
    const text = JSON.stringify([one.entry, one.at, one.operation, one.summary, one.actor]), key = text + (seen[text] = (seen[text] || 0) + 1);
    if (rows.has(key)) rows.get(key).className = "";
    else { rows.set(key, put(el("tr", undefined, first ? "" : "fresh"), el("td", utc(one.at)), el("td", one.operation), el("td", one.summary), el("td", one.actor))); fresh += 1; }
    order.push(key);
  }
  for (const [key, row] of rows) if (!order.includes(key)) { row.remove(); rows.delete(key); }
  order.forEach((key, n) => { if (body.children[n] !== rows.get(key)) body.insertBefore(rows.get(key), body.children[n] || null); });
  return first ? 0 : fresh;
}
function limits() {
  into("limits", list(P.unknown, "nothing"), el("h3", "not looked at, and before all this"), list(P.not_looked_at, "nothing"));
}
function map(place) { top(); groups(); choose(place); limits(); }

// ---- data that comes later: only what changed is drawn again, and who reads stays where they are
const sameFocus = (box, change) => {
  const had = document.activeElement, within = had && had !== box && box.contains(had), text = within && had.textContent;
  change();
  if (within && !had.isConnected) ([...box.querySelectorAll("button")].find(one => one.textContent === text) || $("map")).focus({ preventScroll: true });
};
function openAgain() {
  if (!opened) return;
  const p = P.people.findIndex(one => one.person === opened.person), i = P.indices.indexOf(opened.index), gone = [[opened.person, p], [opened.index, i]].filter(([name, at]) => name !== undefined && at < 0);
  again = true;
  if (gone.length) show(gone.map(([name]) => name).join(" and "), el("p", "not there any more", "dim"));
  else if (opened.person === undefined) index(i); else if (opened.index === undefined) person(p); else reasons(p, i);
  again = false;
}
// A link may lead to somebody or to an index: #person=NAME, #index=NAME.
function linked() {
  const [, kind, given] = /^#(person|index)=(.*)$/.exec(location.hash) || [];
  if (!kind) return;
  let name = given;
  try { name = decodeURIComponent(given); } catch { /* shown as it stands */ }
  const p = P.people.findIndex(one => one.person === name || one.name === name), i = P.indices.indexOf(name);
  if (kind === "person" && p >= 0) person(p); else if (kind === "index" && i >= 0) index(i);
  else show(name, el("p", "not on this page", "dim"));
}
addEventListener("hashchange", linked);
const DRAWS = { status: gate, drift, findings: found };
document.addEventListener("portcullis-data", event => {
  const old = data, was = { ...old.unread }, told = [];
  const differs = (part, verb = part) => JSON.stringify(old[part]) !== JSON.stringify(event.detail.data[part]) || was[verb] !== event.detail.data.unread[verb];
  const bare = one => JSON.stringify({ ...one, at: "" }), place = [P.people[shownP[here[0]]]?.person, P.indices[shownI[here[1]]]];
  // What stands at the top of the window stays there: the first thing that is in sight, else the part that it is in.
  const tops = scrollY > 0 ? [...document.querySelectorAll("section, h3, h4, #map, tbody tr, dt, li")].map(one => [one, one.getBoundingClientRect()]).filter(([, box]) => box.bottom > 0).map(([one, box]) => [one, box.top]) : [];
  tops.sort(([, one], [, other]) => (one < 0) - (other < 0));
  const changed = Object.keys(DRAWS).filter(part => differs(part)), moved = bare(old.picture) !== bare(event.detail.data.picture), history = differs("history");
  take(event.detail.data);
  if (moved) {
    const said = $("said").textContent, pointed = pointedAt;
    sameFocus($("who"), () => { map(place); openAgain(); });
    if (pointed && place[0] === P.people[shownP[here[0]]]?.person && place[1] === P.indices[shownI[here[1]]]) cursor(false);
    else if (said) $("said").textContent = "";
    told.push("who may see what has changed");
  } else top();
  for (const part of changed) DRAWS[part]();
  if (!moved && changed.includes("findings")) openAgain();
  const more = history ? timeline() : 0;
  if (more) told.unshift(many(more, "new entry", "new entries") + " in the timeline");
  const still = tops.find(([one]) => one.isConnected);
  if (still) scrollBy(0, still[0].getBoundingClientRect().top - still[1]);
  event.detail.told = told;
});
let waits = 0;
for (const id of ["f-person", "f-group", "f-index", "f-kind"]) $(id).addEventListener("input", () => { clearTimeout(waits); waits = setTimeout(() => choose(), 80); });
$("filters").addEventListener("submit", event => event.preventDefault());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
take(JSON.parse($("data").textContent));
map(); found(); gate(); drift(); timeline(); linked();
document.documentElement.dataset.ready = Math.round(performance.now());  // milliseconds after it was opened
})();
