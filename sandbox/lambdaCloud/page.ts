/** The page at `/`: one self-contained document that polls the admin interface with the token from its address. */
import { faultKinds } from "./faults";
import { routeName, routes } from "./routes";

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --muted: color-mix(in srgb, currentColor 60%, transparent); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { color: var(--muted); margin: .25rem 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .7rem .4rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--muted); font-weight: 500; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.status::before { content: "●"; margin-right: .4em; color: #999; }
.active::before { color: #2a9d4a; } .booting::before { color: #d99a00; } .unhealthy::before, .preempted::before { color: #d03030; }
button, select, input { font: inherit; padding: .2rem .6rem; } form { display: flex; flex-wrap: wrap; gap: .5rem; }
input[type=number] { width: 4.5rem; }
#error { color: #d03030; min-height: 1.5em; }
`;

const SCRIPT = `
const given = new URLSearchParams(location.search).get("token");
if (given) { sessionStorage.token = given; history.replaceState(null, "", "/"); }
const $ = (id) => document.getElementById(id);
async function call(method, path, body) {
  const response = await fetch("/admin/" + path, { method, headers: { "x-admin-token": sessionStorage.token || "" }, body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}
const cell = (text, className) => { const td = document.createElement("td"); td.textContent = text; if (className) td.className = className; return td; };
// Only cells that say something new are replaced, so that a button is not taken away from under a click.
function rows(id, items, cells) {
  const body = $(id);
  items.forEach((item, i) => {
    const key = item.id || String(i);
    const old = body.rows[i];
    const tr = document.createElement("tr");
    tr.dataset.key = key;
    tr.append(...cells(item));
    if (!old) body.append(tr);
    else if (old.dataset.key !== key) old.replaceWith(tr);
    else [...tr.cells].forEach((td, j) => { if (td.textContent !== old.cells[j].textContent) old.cells[j].replaceWith(td); });
  });
  while (body.rows.length > items.length) body.lastElementChild.remove();
  body.closest("section").hidden = items.length === 0;
}
function button(text, run) { const b = document.createElement("button"); b.textContent = text; b.onclick = () => run().then(refresh, fail); return b; }
const age = (s) => s < 60 ? s + " s" : s < 3600 ? Math.floor(s / 60) + " min" : (s / 3600).toFixed(1) + " h";
const usd = (n) => "$" + n.toFixed(2);
const fail = (error) => { $("error").textContent = error.message; };
async function refresh() {
  const state = await call("GET", "state");
  $("error").textContent = "";
  const live = state.instances.filter((i) => ["booting", "active", "unhealthy"].includes(i.status));
  $("total").textContent = live.length + (live.length === 1 ? " instance" : " instances") + ", " + usd(live.reduce((n, i) => n + i.usdPerHour, 0)) + " an hour, simulated clock at " + age(state.virtualSeconds) + (state.accountActive ? "" : ", account inactive");
  rows("instances", state.instances, (i) => {
    const actions = document.createElement("td");
    if (live.includes(i)) for (const action of ["terminate", "preempt"]) actions.append(button(action, () => call("POST", "instances", { id: i.id, action })), " ");
    return [cell(i.name), cell(i.status, "status " + i.status), cell(i.type), cell(i.region), cell(i.ip), cell(age(i.ageSeconds), "n"), cell(usd(i.usdPerHour), "n"), cell(usd(i.usd), "n"), actions];
  });
  rows("keys", state.sshKeys, (k) => [cell(k.name), cell(k.id)]);
  rows("filesystems", state.fileSystems, (f) => [cell(f.name), cell(f.region), cell(f.inUse ? "in use" : "free")]);
  rows("faults", state.faults, (f) => [cell(f.route), cell(Object.entries(f.fault).map(([k, v]) => k === "kind" ? v : k + " " + v).join(", ")), cell(f.nth, "n"), cell(f.times, "n"), cell(f.seen, "n")]);
  rows("capacity", Object.entries(state.capacity), ([type, regions]) => [cell(type), cell(Object.entries(regions).map(([r, n]) => r + " " + n).join(", ") || "none")]);
}
$("fault").onsubmit = (event) => {
  event.preventDefault();
  const form = new FormData($("fault"));
  const seconds = form.get("seconds");
  const fault = { kind: form.get("kind"), ...(seconds ? { seconds: Number(seconds) } : {}) };
  call("POST", "faults", { route: form.get("route"), nth: Number(form.get("nth")), times: Number(form.get("times")), fault }).then(refresh, fail);
};
$("clear").onclick = () => call("DELETE", "faults").then(refresh, fail);
refresh().catch(fail);
setInterval(() => refresh().catch(fail), 1000);
`;

const options = (values: readonly string[], selected: string): string =>
  values.map((value) => `<option${value === selected ? " selected" : ""}>${value}</option>`).join("");
const table = (id: string, title: string, heads: string): string =>
  `<section><h2>${title}</h2><div class="scroll"><table><thead><tr>${heads}</tr></thead><tbody id="${id}"></tbody></table></div></section>`;
const heads = (...names: readonly string[]): string =>
  names
    .map((name) => (name.startsWith("#") ? `<th class="n">${name.slice(1)}</th>` : `<th>${name}</th>`))
    .join("");

/** The whole document. */
export function renderPage(): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Simulated Lambda Cloud</title><style>${STYLE}</style></head><body>
<h1>Simulated Lambda Cloud</h1><p id="total"></p><div id="error" role="alert"></div>
${table("instances", "Instances", heads("Name", "Status", "Type", "Region", "Address", "#Age", "#An hour", "#So far", ""))}
${table("keys", "SSH keys", heads("Name", "Id"))}
${table("filesystems", "File systems", heads("Name", "Region", "Use"))}
<section><h2>Break something</h2><form id="fault">
<select name="route" aria-label="Route">${options(routes.map(routeName), "POST /instance-operations/launch")}</select>
<select name="kind" aria-label="Fault">${options(faultKinds, "commit-drop")}</select>
<label>from call <input name="nth" type="number" value="1" min="1" size="3"></label>
<label>times <input name="times" type="number" value="1" min="1" size="3"></label>
<label>seconds <input name="seconds" type="number" placeholder="60" min="0" size="5"></label>
<button>Add fault</button><button type="button" id="clear">Clear all</button></form></section>
${table("faults", "Faults", heads("Route", "Fault", "#From call", "#Times", "#Calls seen"))}
${table("capacity", "Capacity", heads("Type", "Free"))}
<script>${SCRIPT}</script></body></html>`;
}
