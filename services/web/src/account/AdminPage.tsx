import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { me } from "../api/calls";
import { ErrorNote } from "../ui/ErrorNote";
import { Page } from "../ui/Page";
import { isAdmin } from "./roles";

/** A page for owners and admins. Anyone else is told so, and nothing of it is asked for. */
export function AdminPage({ title, children }: { title: string; children: ReactNode }) {
  const user = useQuery({ queryKey: ["me"], queryFn: me, staleTime: Infinity });
  return (
    <Page title={title}>
      {user.isPending && <p className="working">Opening</p>}
      {user.isError && (
        <ErrorNote error={user.error} retry={{ label: "Try again", action: () => void user.refetch() }} />
      )}
      {user.data && !isAdmin(user.data) && (
        <p className="note">Only owners and admins of {user.data.organization_name} see this page.</p>
      )}
      {user.data && isAdmin(user.data) && children}
    </Page>
  );
}
