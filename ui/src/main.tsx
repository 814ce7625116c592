import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { type ReactNode, StrictMode, useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import "./styles";
import { createQueryClient } from "./api/queries";
import { type Lang, setLang as loadLang, setupI18n } from "./i18n";
import { PrefsContext, storedLang, storedTheme, type Theme, write } from "./lib/prefs";
import { parseSearch } from "./lib/search";
import { createAppRouter, toLogin } from "./router";

const opened = parseSearch(location.search);
const dark = matchMedia("(prefers-color-scheme: dark)");

function Preferences({ children }: { children: ReactNode }) {
  const [theme, setTheme] = useState<Theme>(opened.theme ?? storedTheme());
  const [lang, setLang] = useState<Lang>(opened.lang ?? storedLang());
  const [system, setSystem] = useState(dark.matches);
  useEffect(() => {
    const on = () => setSystem(dark.matches);
    dark.addEventListener("change", on);
    return () => dark.removeEventListener("change", on);
  }, []);
  const scheme = theme === "auto" ? (system ? "dark" : "light") : theme;
  const prefs = useMemo(
    () => ({
      theme,
      scheme: scheme as "light" | "dark",
      lang,
      setTheme: (t: Theme) => {
        write("leeway.theme", t);
        setTheme(t);
      },
      setLang: (l: Lang) => {
        write("leeway.lang", l);
        void loadLang(l).then(() => setLang(l));
      },
    }),
    [theme, scheme, lang],
  );
  // Children draw on canvas in an effect and read the tokens there, so the
  // attribute must stand before any of them runs.
  document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
  return (
    <PrefsContext value={prefs}>
      <MantineProvider
        forceColorScheme={prefs.scheme}
        theme={{ fontFamily: "var(--font)", cursorType: "pointer" }}
      >
        {children}
      </MantineProvider>
    </PrefsContext>
  );
}

async function start(): Promise<void> {
  await setupI18n(opened.lang ?? storedLang());
  const router = createAppRouter();
  const queryClient = createQueryClient(() => toLogin(router));
  createRoot(document.getElementById("root")!).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <Preferences>
          <RouterProvider router={router} />
        </Preferences>
      </QueryClientProvider>
    </StrictMode>,
  );
}

void start();
