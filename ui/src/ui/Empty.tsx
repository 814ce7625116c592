import { IconLock } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api/client";
import type { Reason, State } from "../api/types";
import { coded } from "../i18n";
import { Glyph } from "./Glyph";

interface Props {
  state?: State;
  icon?: ReactNode;
  text: string;
  action?: ReactNode;
}

/** Missing data, late labels, nothing found and a real zero are different pictures. */
export function Empty({ state = "no_data", icon, text, action }: Props) {
  return (
    <div className="empty">
      {icon ?? <Glyph state={state} size={24} silent />}
      <p>{text}</p>
      {action}
    </div>
  );
}

/** Why there is no value, in the reader's language. */
export function useReason() {
  const { t } = useTranslation();
  return (r: Reason | null | undefined, state: State): string =>
    r
      ? coded(t, "reason", r, t("reason.unknown"))
      : state === "pending"
        ? t("reason.labels_pending")
        : t("reason.no_data");
}

export function useErrorText() {
  const { t } = useTranslation();
  return (e: unknown): string => {
    if (e instanceof ApiError) {
      if (e.status === 0) return t("error.unreachable");
      if (e.status === 403) return t("error.denied");
      const reason = coded(t, "error", { code: e.code, params: e.params }, e.message);
      return t("error.failed", { reason });
    }
    return t("error.failed", { reason: e instanceof Error ? e.message : String(e) });
  };
}

export function ErrorNote({ error, onRetry }: { error: unknown; onRetry?(): void }) {
  const { t } = useTranslation();
  const text = useErrorText();
  const denied = error instanceof ApiError && error.status === 403;
  return (
    <div className="empty" role="alert">
      {denied ? <IconLock size={24} aria-hidden="true" /> : <Glyph state="no_data" size={24} silent />}
      <p>{text(error)}</p>
      {onRetry && !denied && (
        <button type="button" className="btn" onClick={onRetry}>
          {t("error.retry")}
        </button>
      )}
    </div>
  );
}

/** Grey blocks in the shape of what comes; the styles show them after 200 ms only. */
export function Skeleton({ height = 120 }: { height?: number }) {
  return <div className="skeleton" style={{ height }} aria-hidden="true" />;
}
