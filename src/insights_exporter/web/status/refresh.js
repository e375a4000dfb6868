"use strict";
(() => {
  // A proxy that strips a path may have been asked for it without the slash that relative links need.
  if (!location.pathname.endsWith("/"))
    history.replaceState(null, "", `${location.pathname}/${location.search}${location.hash}`);

  const seconds = 15;
  const notice = document.getElementById("notice");
  const pause = document.getElementById("pause");
  let paused = false;

  const alike = (one, other) =>
    one.nodeType === other.nodeType && one.nodeName === other.nodeName && one.id === other.id;

  // Changes what differs and nothing else, so that nothing flickers and focus and open tables stay.
  const renew = (old, fresh) => {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    for (const { name, value } of fresh.attributes)
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    for (const { name } of [...old.attributes])
      if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    const before = [...old.childNodes];
    const after = [...fresh.childNodes];
    after.forEach((node, at) => {
      if (at >= before.length) old.append(node);
      else if (alike(before[at], node)) renew(before[at], node);
      else before[at].replaceWith(node);
    });
    before.slice(after.length).forEach((node) => node.remove());
  };

  const refresh = async () => {
    if (paused || document.hidden) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.title = fresh.title;
      renew(document.querySelector("main"), fresh.querySelector("main"));
      notice.textContent = "";
    } catch {
      notice.textContent = "What you see is old: the exporter does not answer as before.";
    }
  };

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Refresh again" : "Stop refreshing";
    refresh();
  });
  document.addEventListener("visibilitychange", refresh);
  setInterval(refresh, seconds * 1000);
})();
