// Sets the colour scheme before the first paint. A separate file because the
// content security policy allows no inline script.
(() => {
  const q = new URLSearchParams(location.search).get("theme");
  let t = q;
  try {
    t = t || localStorage.getItem("leeway.theme");
  } catch {
    // Storage may be denied; the system's choice is used then.
  }
  if (t !== "light" && t !== "dark")
    t = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.setAttribute("data-mantine-color-scheme", t);
})();
