import { TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, send, token } from "../api/client";
import type { Bootstrap } from "../api/types";
import markIcon from "../icons/mark.svg";
import type { Search } from "../lib/search";
import { useErrorText } from "../ui/Empty";

export default function Login() {
  const { t } = useTranslation();
  const text = useErrorText();
  const { next } = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const client = useQueryClient();
  const [value, setValue] = useState("");
  const [stay, setStay] = useState(false);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  const submit = async (e: FormEvent) => {
    e.preventDefault();
    const as = value.trim();
    if (as === "") return setError(t("login.empty"));
    setBusy(true);
    setError("");
    try {
      const boot = await send<Bootstrap>("bootstrap", { as });
      if (!boot.authenticated) throw new ApiError(401, "", {}, "");
      token.set(as, stay);
      client.clear();
      await navigate({ href: next ?? "/", replace: true });
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
      <label className="check">
        <input type="checkbox" checked={stay} onChange={(e) => setStay(e.currentTarget.checked)} />{" "}
        {t("login.stay")}
      </label>
      <button type="submit" className="btn primary" disabled={busy}>
        {t("login.in")}
      </button>
    </form>
  );
}
