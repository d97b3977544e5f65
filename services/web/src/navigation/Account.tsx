import { useQuery } from "@tanstack/react-query";

import { me, signOut } from "../api/calls";

export function Account() {
  const user = useQuery({ queryKey: ["me"], queryFn: me, staleTime: Infinity });
  return (
    <footer className="account">
      {user.data && (
        <p>
          <span className="clipped">{user.data.email}</span>
          <span className="clipped quiet">{user.data.organization_name}</span>
        </p>
      )}
      <button type="button" className="button button-plain" onClick={() => void signOut()}>
        Sign out
      </button>
    </footer>
  );
}
