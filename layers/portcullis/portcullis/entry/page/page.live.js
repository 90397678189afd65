"use strict";
// Asks for the page's data again, of whoever served the page. What is done with it, and what stays as it was, is page.js's to say.
(() => {
const EVERY = 2000, SLOWEST = 30000, PATIENCE = 60000;  // milliseconds
const NAMES = { report: "who may see what", findings: "findings", status: "gate and key", drift: "changed by hand" };
const box = document.getElementById("live"), says = document.createElement("span"), stop = document.createElement("button");
let timer = 0, paused = false, asking = false, last = "", shown = null, troubled = false, wait = EVERY;
const say = (text, kind) => { if (says.textContent !== text) says.textContent = text; says.className = kind || "dim"; };
says.setAttribute("role", "status"); stop.type = "button"; stop.textContent = "Pause";
box.append(says, stop); box.hidden = false;
const later = () => { clearTimeout(timer); if (!paused && !document.hidden) timer = setTimeout(ask, wait); };
const failed = why => { wait = Math.min(SLOWEST, wait * 2); troubled = true; say(why + " What is shown may be old; it is asked again.", "bad"); };
async function ask() {
  if (asking || paused || document.hidden) return;
  asking = true;
  try {
    const answer = await fetch(location.pathname.replace(/\/$/, "") + "/data", { cache: "no-store", redirect: "error", signal: AbortSignal.timeout(PATIENCE) });
    const text = await answer.text(), found = text === last ? shown : JSON.parse(text);
    if (paused) return;
    if (!answer.ok) failed(String(found.says));
    else {
      const detail = { data: found, told: [] };
      if (text !== last) document.dispatchEvent(new CustomEvent("portcullis-data", { detail }));  // else there is nothing to draw
      last = text; shown = found;
      const late = found.late.map(verb => NAMES[verb] || verb).join(", ");
      if (late) say("Live, but no new answer yet of: " + late + ". Shown is what was there before.", "bad");
      else if (detail.told.length || troubled) say("Live: " + (detail.told.join("; ") || "it answers again") + ".");
      wait = EVERY; troubled = Boolean(late);
    }
  } catch (error) { failed("Whoever serves this page does not answer: it was ended (`make down`), or began anew under another address (`make up` prints it)."); }
  finally { asking = false; later(); }
}
stop.addEventListener("click", () => {
  paused = !paused; stop.textContent = paused ? "Go on" : "Pause"; wait = EVERY;
  say(paused ? "Paused: nothing moves." : "Live.");
  if (paused) clearTimeout(timer); else ask();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
say("Live: it moves as things change.");
later();
})();
