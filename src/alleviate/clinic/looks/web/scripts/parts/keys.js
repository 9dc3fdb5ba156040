// Single keys on the caseload, where its list says data-keys. Each moves the focus, so that what is shown and what a
// screen reader says are one; Enter and Tab stay the browser's own.
const stops = () => [...document.querySelectorAll("#people th[scope=row] a, #live a[rel=prev], #live a[rel=next]")];
let last = ""; // where one was, also when the live part has been replaced since

function move(step) {
  const found = stops();
  const here = found.findIndex((each) => each.id === (found.includes(document.activeElement) ? document.activeElement.id : last));
  const there = found[here < 0 ? 0 : Math.min(Math.max(here + step, 0), found.length - 1)];
  there?.focus();
  last = there?.id ?? "";
}

export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    const list = document.querySelector("[data-keys]");
    if (!list || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) return;
    const at = stops().includes(document.activeElement); // arrows scroll the page, but for who is in the list
    const acts = {
      j: () => move(1),
      k: () => move(-1),
      "/": () => document.getElementById("name")?.focus(),
      "?": () => window.location.assign(list.dataset.keys),
      ...(at ? { ArrowDown: () => move(1), ArrowUp: () => move(-1) } : {}),
    };
    if (!Object.hasOwn(acts, event.key)) return;
    event.preventDefault();
    acts[event.key]();
  });
}
