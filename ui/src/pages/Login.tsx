import { TextInput } from "@mantine/core";
import { useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, block, signIn } from "../api/client";
import markIcon from "../icons/mark.svg";
import type { Search } from "../lib/search";
import { useErrorText } from "../ui/Empty";

export default function Login() {
  const { t } = useTranslation();
  const text = useErrorText();
  const { next } = useSearch({ strict: false }) as Search;
  const [value, setValue] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  const submit = async (e: FormEvent) => {
    e.preventDefault();
    const token = value.trim();
    if (token === "") return setError(t("login.empty"));
    setBusy(true);
    setError("");
    try {
      await signIn(token);
      // A fresh page: nothing that was asked without the session is left over.
      location.replace(block.basePath + (next ?? "/"));
    } catch (err) {
      setError(err instanceof ApiError && err.status === 401 ? t("login.wrong") : text(err));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="login panel" onSubmit={submit}>
      <img src={markIcon} alt="" width="36" height="36" />
      <h1>{t("login.title")}</h1>
      <p className="hint">{t("login.about")}</p>
      <TextInput
        type="password"
        label={t("login.token")}
        value={value}
        onChange={(e) => setValue(e.currentTarget.value)}
        error={error || undefined}
        autoComplete="current-password"
        data-autofocus
      />
      <button type="submit" className="btn primary" disabled={busy}>
        {t("login.in")}
      </button>
    </form>
  );
}
