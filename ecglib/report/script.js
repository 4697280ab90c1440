"use strict";
// Without this script the page is complete: the contents are then one open list, and the browser decides on colours.
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  // a page opened from a file may be denied its storage
  const stored = (value) => {
    try {
      if (value !== undefined) localStorage.setItem("theme", value);
      return localStorage.getItem("theme");
    } catch {
      return value ?? null;
    }
  };
  const darkSystem = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ?? (darkSystem.matches ? "dark" : "light")) === "dark";
  // before anything is drawn, so that no page flashes white
  const choice = stored();
  if (choice === "dark" || choice === "light") root.dataset.theme = choice;

  const start = () => {
    const button = (name, act) => document.getElementById(`${name}-button`).addEventListener("click", act);
    const list = document.getElementById("contents-list");

    const theme = document.getElementById("theme-button");
    const label = () => {
      theme.textContent = isDark() ? "Light" : "Dark";
      theme.setAttribute("aria-label", `Switch to ${isDark() ? "light" : "dark"} colours`);
    };
    button("theme", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      stored(root.dataset.theme);
      label();
    });
    darkSystem.addEventListener("change", label);
    label();

    button("code", (event) => {
      const show = event.currentTarget.getAttribute("aria-pressed") !== "true";
      event.currentTarget.setAttribute("aria-pressed", show);
      document.querySelectorAll("details.code").forEach((fold) => { fold.open = show; });
    });

    // the contents scroll by themselves, so that their current entry is in sight
    const reveal = () => {
      const side = list.closest(".side");
      const box = list.querySelector("[aria-current]")?.getBoundingClientRect();
      const frame = side.getBoundingClientRect();
      if (box?.height && (box.top < frame.top + 80 || box.bottom > frame.bottom - 40)) {
        side.scrollTop += box.top - frame.top - frame.height / 3;
      }
    };

    // on narrow screens the contents are a fold on top
    const contents = document.getElementById("contents-button");
    const unfold = (open) => {
      contents.setAttribute("aria-expanded", open);
      reveal();
    };
    button("contents", () => unfold(contents.getAttribute("aria-expanded") !== "true"));
    list.addEventListener("click", (event) => event.target.closest("a") && unfold(false));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || contents.getAttribute("aria-expanded") !== "true") return;
      unfold(false);
      contents.focus();
    });

    // the section that crosses a line in the upper part of the window is the one being read
    const links = new Map();
    list.querySelectorAll("a").forEach((link) => links.set(link.hash.slice(1), link));
    const mark = (link) => {
      list.querySelectorAll(".current").forEach((item) => item.classList.remove("current"));
      list.querySelector("[aria-current]")?.removeAttribute("aria-current");
      link.setAttribute("aria-current", "location");
      for (let item = link.closest("li"); item; item = item.parentElement.closest("li")) item.classList.add("current");
      reveal();
    };
    const crossing = new Set();
    const observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) crossing.add(target); else crossing.delete(target);
      }
      // of a section and the one inside it, the inner
      const inner = [...crossing].filter((one) => ![...crossing].some((other) => other !== one && one.contains(other)));
      if (inner.length) mark(links.get(inner[0].id));
    }, { rootMargin: "-18% 0px -81% 0px" });
    document.querySelectorAll("main section[id]").forEach((section) => links.has(section.id) && observer.observe(section));
  };
  document.addEventListener("DOMContentLoaded", start);
})();
