"use strict";
(() => {
  // Behind a proxy that strips a path, the address may lack the slash that relative links need.
  if (!location.pathname.endsWith("/"))
    history.replaceState(null, "", `${location.pathname}/${location.search}${location.hash}`);

  const seconds = 15;
  const notice = document.getElementById("notice");
  const pause = document.getElementById("pause");
  let paused = false;

  const isSameNode = (one, other) =>
    one.nodeType === other.nodeType && one.nodeName === other.nodeName && one.id === other.id;

  // Change only what differs, so that nothing flickers, and focus and open tables stay.
  const update = (old, fresh) => {
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
    after.forEach((node, index) => {
      if (index >= before.length) old.append(node);
      else if (isSameNode(before[index], node)) update(before[index], node);
      else before[index].replaceWith(node);
    });
    before.slice(after.length).forEach((node) => node.remove());
  };

  const refresh = async () => {
    if (paused || document.hidden) return;
    try {
      const response = await fetch(location.href, { cache: "no-store" });
      if (!response.ok) throw new Error(response.statusText);
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      document.title = fresh.title;
      update(document.querySelector("main"), fresh.querySelector("main"));
      notice.textContent = "";
    } catch {
      notice.textContent = "The values on this page are out of date: the exporter does not respond.";
    }
  };

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Resume refresh" : "Pause refresh";
    refresh();
  });
  document.addEventListener("visibilitychange", refresh);
  setInterval(refresh, seconds * 1000);
})();
