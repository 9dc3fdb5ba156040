// Keeps the page of crisis help, and what it needs to look right, for when the server cannot be reached.
// Nothing else is ever kept: no page of anybody's.
const KEPT = "alleviate-help-1";
const LANGUAGE = "/crisis/language";
const saved = (language) => `/crisis/saved/${language}`;

self.addEventListener("install", (event) => {
  event.waitUntil(keep().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name.startsWith("alleviate-") && name !== KEPT);
  event.waitUntil(
    caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("message", (event) => {
  const { language } = event.data ?? {};
  if (typeof language !== "string" || !/^[a-z]{2}$/.test(language)) return;
  event.waitUntil(
    caches.open(KEPT).then((kept) => kept.put(LANGUAGE, new Response(language))).then(keep).catch(() => {}),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const { pathname } = new URL(request.url);
  if (request.mode === "navigate") event.respondWith(fetch(request).then(orHelp, () => help()));
  else if (pathname.startsWith("/assets/")) {
    event.respondWith(fetch(request).catch(async () => (await caches.match(request)) ?? Response.error()));
  }
});

// What to keep is said by the server, since the names of styles and scripts change with what is in them.
async function keep() {
  const kept = await caches.open(KEPT);
  const told = await fetch("/crisis/kept.json", { cache: "no-store" });
  if (!told.ok) throw new Error("The crisis help could not be kept.");
  const { pages, assets } = await told.json();
  await Promise.all([...pages, ...assets].map(async (address) => {
    const answer = await fetch(address, { cache: pages.includes(address) ? "reload" : "default", credentials: "omit" });
    if (answer.ok) await kept.put(address, answer);
  }));
  const wanted = new Set([...assets, ...pages, LANGUAGE].map((address) => new URL(address, self.location).href));
  for (const request of await kept.keys()) if (!wanted.has(request.url)) await kept.delete(request);
}

// A proxy that stands before a server that is gone answers for it; our own errors carry our policy.
function orHelp(answer) {
  return answer.status >= 502 && !answer.headers.has("content-security-policy") ? help() : answer;
}

async function help() {
  const kept = await caches.open(KEPT);
  const language = await (await kept.match(LANGUAGE))?.text();
  return (await kept.match(saved(language ?? "en"))) ?? (await kept.match(saved("en"))) ?? Response.error();
}
