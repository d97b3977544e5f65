import { useState, type SubmitEvent } from "react";

import { register, signIn } from "../api/calls";
import { ended } from "../api/tokens";
import { Brand } from "../navigation/Navigation";
import { useStore } from "../store";
import { ErrorNote } from "../ui/ErrorNote";

const PASSWORD_MIN_CHARS = 12;

export function SignIn() {
  const [registering, setRegistering] = useState(false);
  const [invited, setInvited] = useState(false);
  const thrownOut = useStore(ended);
  const [working, setWorking] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const field = (name: string) => String(form.get(name) ?? "");
    setWorking(true);
    setError(null);
    try {
      const [email, password, invitation] = [field("email"), field("password"), field("invitation")];
      if (registering) await register(email, password, { organization: field("organization"), invitation });
      else await signIn(email, password, invitation);
    } catch (thrown) {
      setError(thrown);
    } finally {
      setWorking(false);
    }
  };

  const change = () => {
    setRegistering(!registering);
    setError(null);
  };

  return (
    <main className="sign-in">
      <Brand />
      <p className="tagline">Answers from your own documents. Every sentence cites its passage, or isn’t said.</p>
      <form onSubmit={(event) => void submit(event)}>
        {thrownOut && error === null && (
          <p className="note" role="status">
            Your session has ended. Sign in again to go on.
          </p>
        )}
        <h1>{registering ? "Create an account" : "Sign in"}</h1>
        <label>
          E-mail
          <input name="email" type="email" autoComplete="username" required maxLength={254} />
        </label>
        <label>
          Password
          <input
            name="password"
            type="password"
            autoComplete={registering ? "new-password" : "current-password"}
            required
            minLength={registering ? PASSWORD_MIN_CHARS : undefined}
            maxLength={256}
            aria-describedby={registering ? "password-rule" : undefined}
          />
          {registering && (
            <span id="password-rule" className="quiet">
              At least {PASSWORD_MIN_CHARS} characters.
            </span>
          )}
        </label>
        {invited && (
          <label>
            Invitation
            <input name="invitation" autoComplete="off" autoFocus required maxLength={200} />
          </label>
        )}
        {registering && !invited && (
          <label>
            Organisation <span className="quiet">(optional)</span>
            <input name="organization" autoComplete="organization" maxLength={120} />
          </label>
        )}
        {error !== null && <ErrorNote error={error} />}
        <button type="submit" className="button button-strong" disabled={working}>
          {registering ? "Create account" : "Sign in"}
        </button>
      </form>
      <p>
        {registering ? "You have an account?" : "You have no account yet?"}{" "}
        <button type="button" className="link" onClick={change}>
          {registering ? "Sign in" : "Create one"}
        </button>
      </p>
      <p>
        <button type="button" className="link" onClick={() => setInvited(!invited)}>
          {invited ? "I have no invitation" : "I have an invitation"}
        </button>
      </p>
    </main>
  );
}
