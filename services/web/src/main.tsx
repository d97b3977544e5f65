import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./App";
import { queryClient } from "./state";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/answer.css";
import "./styles/pages.css";
import "./styles/admin.css";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no element with the id 'root'");

createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
