import { useTranslation } from "react-i18next";
import type { Alert, Unit } from "../api/types";
import { duration, full } from "../lib/format";

const SIGN: Record<string, string> = {
  gt: ">",
  gte: "≥",
  ge: "≥",
  lt: "<",
  lte: "≤",
  le: "≤",
  eq: "=",
  ne: "≠",
  neq: "≠",
};

export function sign(operator: string | undefined): string {
  return operator ? (SIGN[operator] ?? operator) : "";
}

/**
 * 0.877 < 0.880; nothing where the alert carries no value. Of an alert that is
 * over the comparison no longer holds, so the limit stands apart: 0.912 (< 0.880).
 */
export function against(a: Alert): string {
  if (a.value === null || a.value === undefined) return "";
  const unit = (a.unit ?? "") as Unit;
  const v = full(a.value, unit, true);
  if (a.limit === null || a.limit === undefined) return v;
  const limit = `${sign(a.operator)} ${full(a.limit, unit, true)}`;
  return a.state === "resolved" ? `${v} (${limit})` : `${v} ${limit}`;
}

/** "3h 48m" in the reader's language. */
export function useDuration() {
  const { t } = useTranslation();
  return (ms: number) => duration(ms, (key, n) => t(`duration.${key}`, { n }));
}

/** "3 h", "20 min": a typical length rather than an age. */
export function useLength() {
  const { t } = useTranslation();
  return (ms: number) => duration(ms, (key, n) => t(`length.${key}`, { n }));
}
