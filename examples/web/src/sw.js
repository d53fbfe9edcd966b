// Keeps the files of the app, so that it opens without a network. The build puts their names, which change with what is in
// them, in place of FILES. What the server answers is never kept: the data is in IndexedDB.
const FILES = self.__FILES__;
const CACHE = `docket-${self.__VERSION__}`;

self.addEventListener("install", (event) => {
  const keep = async () => {
    await (await caches.open(CACHE)).addAll(FILES.map((it) => new Request(it, { cache: "no-cache" })));
    await self.skipWaiting();
  };
  event.waitUntil(keep());
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    const old = (await caches.keys()).filter((it) => it.startsWith("docket-") && it !== CACHE);
    await Promise.all(old.map((it) => caches.delete(it)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

/** The page comes from the network if there is one, so that a new version is seen; files whose name has a hash do not. */
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(self.registration.scope)) return;
  // The files are the same whoever asks for them, whatever `Vary` says of all answers.
  const kept = () => caches.match(request, { ignoreSearch: true, ignoreVary: true, cacheName: CACHE });
  if (request.mode === "navigate") {
    const page = () => caches.match("./", { ignoreVary: true, cacheName: CACHE });
    event.respondWith(fetch(request).catch(async () => (await page()) ?? Response.error()));
  } else {
    event.respondWith(kept().then((it) => it ?? fetch(request)));
  }
});
