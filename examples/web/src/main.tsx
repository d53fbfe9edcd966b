import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./ui/App";
import { applyTheme } from "./lib/theme";
import "./styles/tokens.css";
import "./styles/layout.css";
import "./styles/parts.css";

applyTheme();
createRoot(document.getElementById("app")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

// Vite serves no service worker in development, where it would keep old files.
if (import.meta.env.PROD && "serviceWorker" in navigator) void navigator.serviceWorker.register("./sw.js");
