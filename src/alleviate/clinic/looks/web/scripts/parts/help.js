// Crisis help that is there when the server is not: a service worker keeps the page of numbers.
const LANGUAGE = document.documentElement.lang;

export function keepHelp() {
  if (!("serviceWorker" in navigator) || !window.isSecureContext) return;
  navigator.serviceWorker.register("/service-worker.js", { scope: "/" }).then(async () => {
    const { active } = await navigator.serviceWorker.ready;
    active?.postMessage({ language: LANGUAGE });
  }).catch(() => {}); // a browser that forbids it still shows the help on every page
}

export function tellOffline() {
  const banner = document.getElementById("app-offline");
  if (!banner) return;
  const show = () => { banner.hidden = navigator.onLine; };
  window.addEventListener("offline", show);
  window.addEventListener("online", show);
  document.addEventListener("htmx:sendError", () => { banner.hidden = false; });
  document.addEventListener("htmx:afterOnLoad", () => { banner.hidden = navigator.onLine; });
  show();
}
