import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Empty } from "../ui/Empty";

export function NotFound() {
  const { t } = useTranslation();
  return (
    <div className="content">
      <h1 className="sr">{t("notFound.title")}</h1>
      <section className="panel span-12">
        <Empty
          text={t("notFound.text")}
          action={
            <Link to="/" className="btn primary">
              {t("notFound.home")}
            </Link>
          }
        />
      </section>
    </div>
  );
}
