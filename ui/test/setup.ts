import { setupI18n } from "../src/i18n";

process.env.TZ = "Europe/Berlin"; // a zone with summer time
await setupI18n("en");
