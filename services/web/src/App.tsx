import { useEffect } from "react";

import { SignIn } from "./account/SignIn";
import { AnswerCache } from "./answer-cache/AnswerCache";
import { tokens } from "./api/tokens";
import { Conversation } from "./ask/Conversation";
import { Documents } from "./documents/Documents";
import { OneDocument } from "./documents/OneDocument";
import { GivenFeedbackList } from "./feedback/GivenFeedbackList";
import { Navigation } from "./navigation/Navigation";
import { Reviews } from "./reviews/Reviews";
import { useRoute, type Route } from "./route";
import { SecurityEvents } from "./security-events/SecurityEvents";
import { Settings } from "./settings/Settings";
import { forgetUser } from "./state";
import { Shared } from "./share/Shared";
import { useStore } from "./store";
import { Usage } from "./usage/Usage";

const TITLES: Record<Route["page"], string> = {
  ask: "Ask",
  session: "Conversation",
  documents: "Documents",
  document: "Document",
  usage: "Usage",
  feedback: "Feedback",
  reviews: "Reviews",
  "security-events": "Security events",
  "answer-cache": "Answer cache",
  settings: "Settings",
  share: "Public documents",
};

export function App() {
  const signedIn = useStore(tokens) !== null;
  const route = useRoute();

  useEffect(() => {
    if (!signedIn) forgetUser();
  }, [signedIn]);

  useEffect(() => {
    document.title = signedIn || route.page === "share" ? `${TITLES[route.page]} · Footnote` : "Sign in · Footnote";
  }, [signedIn, route.page]);

  if (route.page === "share") return <Shared key={route.token} token={route.token} />;
  if (!signedIn) return <SignIn />;
  return (
    <div className="shell">
      <Navigation route={route} />
      <PageOf route={route} />
    </div>
  );
}

function PageOf({ route }: { route: Exclude<Route, { page: "share" }> }) {
  switch (route.page) {
    case "ask":
      return <Conversation key="new" sessionId={null} />;
    case "session":
      return <Conversation key={route.sessionId} sessionId={route.sessionId} />;
    case "documents":
      return <Documents />;
    case "document":
      return <OneDocument key={route.documentId} documentId={route.documentId} />;
    case "usage":
      return <Usage />;
    case "feedback":
      return <GivenFeedbackList />;
    case "reviews":
      return <Reviews />;
    case "security-events":
      return <SecurityEvents />;
    case "answer-cache":
      return <AnswerCache />;
    case "settings":
      return <Settings />;
  }
}
