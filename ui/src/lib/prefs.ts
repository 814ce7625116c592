import { createContext, useContext } from "react";
import type { Lang } from "../i18n";

// What the reader chose on this device. An override in the address wins and is not stored.

export type Theme = "light" | "dark" | "auto";

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage denied: the choice lasts as long as the page.
  }
}

export function storedTheme(): Theme {
  const t = read("leeway.theme");
  return t === "light" || t === "dark" ? t : "auto";
}

export function storedLang(): Lang {
  const l = read("leeway.lang");
  if (l === "en" || l === "zh") return l;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const lastModel = {
  get: () => read("leeway.model") ?? undefined,
  set: (m: string) => write("leeway.model", m),
  clear: () => write("leeway.model", ""),
};

export interface Prefs {
  theme: Theme;
  scheme: "light" | "dark";
  lang: Lang;
  setTheme(t: Theme): void;
  setLang(l: Lang): void;
}

export const PrefsContext = createContext<Prefs | null>(null);

export function usePrefs(): Prefs {
  const p = useContext(PrefsContext);
  if (!p) throw new Error("PrefsContext is missing");
  return p;
}
