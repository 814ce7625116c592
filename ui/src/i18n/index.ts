import i18next, { type TFunction } from "i18next";
import { initReactI18next } from "react-i18next";
import type { Reason, Words } from "../api/types";
import en from "./en.json";

// English is part of the first chunk, Chinese is loaded when it is asked for.

export type Lang = "en" | "zh";

export const i18n = i18next.createInstance();

export async function setupI18n(lang: Lang): Promise<void> {
  await i18n.use(initReactI18next).init({
    lng: "en",
    fallbackLng: "en",
    resources: { en: { translation: en } },
    interpolation: { escapeValue: false }, // React escapes
    returnNull: false,
    showSupportNotice: false,
  });
  await setLang(lang);
}

export async function setLang(lang: Lang): Promise<void> {
  if (lang === "zh" && !i18n.hasResourceBundle("zh", "translation")) {
    const zh = await import("./zh.json");
    i18n.addResourceBundle("zh", "translation", zh.default);
  }
  await i18n.changeLanguage(lang);
  if (typeof document !== "undefined") document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
}

/** A name that the server sends in both languages, or a plain string as it is. */
export function words(w: Words | null | undefined, lang: string): string {
  if (!w) return "";
  if (typeof w === "string") return w;
  return (lang === "zh" ? w.zh : w.en) || w.en || "";
}

/** A code with parameters as a sentence; the fallback is shown for a code this build does not know. */
export function coded(t: TFunction, prefix: string, reason: Reason, fallback: string): string {
  const key = `${prefix}.${reason.code}`;
  return i18n.exists(key) ? String(t(key, { ...reason.params })) : fallback;
}
