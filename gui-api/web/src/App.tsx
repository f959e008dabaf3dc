import { useMemo } from "react";
import { ApiContext } from "./api/ApiContext";
import { apiFor } from "./api/client";
import { LiveEventsPage } from "./live/LiveEventsPage";
import { LoginPage } from "./login/LoginPage";
import { useToken } from "./login/useToken";

/** Without a token there is the login page and nothing else: no data is asked for. */
export function App() {
  const { token, refused, signIn, signOut, refuse } = useToken();
  const api = useMemo(() => (token === null ? null : apiFor(token, refuse)), [token, refuse]);

  if (api === null) {
    return <LoginPage refused={refused} onToken={signIn} />;
  }
  return (
    <ApiContext value={api}>
      <LiveEventsPage onSignOut={signOut} />
    </ApiContext>
  );
}
