import { useQuery } from "@tanstack/react-query";

import { isAdmin } from "../account/roles";
import { me } from "../api/calls";
import { Page } from "../ui/Page";
import { AnswerPolicyForm } from "./AnswerPolicyForm";
import { InstructionsForm } from "./InstructionsForm";

/** What each person asks of their answers; and for admins, how the organisation's questions are answered. */
export function Settings() {
  const user = useQuery({ queryKey: ["me"], queryFn: me, staleTime: Infinity });
  return (
    <Page title="Settings">
      <InstructionsForm />
      {user.data && isAdmin(user.data) && <AnswerPolicyForm organization={user.data.organization_name} />}
    </Page>
  );
}
