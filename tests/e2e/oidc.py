"""A small OpenID Connect provider for tests: ``python -m tests.e2e.oidc PORT ISSUER``.

Authorization code with PKCE (S256) and nonce, RS256 by a published key; its login page has a button a person. Some of
them come with a token that must be refused: of another issuer, expired, signed by another key, without the nonce, ….
"""

import base64
import hashlib
import html
import json
import secrets
import sys
import time
from typing import Any

import uvicorn
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "dashboard", "the-client-secret-of-the-tests-0123456789"
GROUPS = {
    "sofia": ["telefonia-consulta"],
    "otavio": ["telefonia-consulta", "telefonia-faturamento"],
    "gilda": ["rh", "telefonia-gestao"],
    "nina": ["rh", "manager", "telefonia-gestao "],
}
FORGED = ("issuer", "audience", "expired", "key", "nonce", "symmetric", "unsigned")
ROLES = '{"telefonia-consulta":"supervisor","telefonia-faturamento":"operator","telefonia-gestao":"manager"}'


class Provider:
    """What it has handed out, by code; each code is good once."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.other = RSAKey.generate_key(2048, {"kid": "one"})
        self.codes: dict[str, dict[str, str]] = {}

    async def metadata(self, request: Request) -> Response:
        """The discovery document."""
        at = self.issuer
        return JSONResponse(
            {
                "issuer": at,
                "authorization_endpoint": f"{at}/authorize",
                "token_endpoint": f"{at}/token",
                "jwks_uri": f"{at}/jwks",
                "end_session_endpoint": f"{at}/logout",
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
            }
        )

    async def jwks(self, request: Request) -> Response:
        """The published key."""
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def authorize(self, request: Request) -> Response:
        """The login page; pressing a name comes back with a code."""
        asked = dict(request.query_params)
        assert asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT
        if person := asked.pop("person", ""):
            code = secrets.token_urlsafe(16)
            self.codes[code] = {**asked, "person": person}
            return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}", 302)
        kept = "".join(f'<input type="hidden" name="{n}" value="{html.escape(v)}">' for n, v in asked.items())
        names = "".join(f'<button name="person" value="{one}">{one}</button>' for one in (*GROUPS, *FORGED))
        return HTMLResponse(f"<title>Provider</title><form>{kept}{names}</form>")

    async def token(self, request: Request) -> Response:
        """A code for tokens: the client's secret and the PKCE verifier are checked."""
        form = await request.form()
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self.codes.pop(str(form["code"]), None)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if request.headers.get("authorization") != f"Basic {basic}" or not asked:
            return JSONResponse({"error": "invalid_client"}, 401)
        if asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        token = self._id_token(asked["person"], asked["nonce"])
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": token})

    async def logout(self, request: Request) -> Response:
        """Ends the provider's own session and goes back."""
        return RedirectResponse(request.query_params["post_logout_redirect_uri"], 302)

    def _id_token(self, person: str, nonce: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": f"id-{person}",
            "preferred_username": f"{person}.teste",
            "groups": GROUPS.get(person, ["telefonia-gestao"]),
            "nonce": nonce,
            "iat": now,
            "exp": now + 60,
        }
        claims |= {
            "issuer": {"iss": "https://other.example"},
            "audience": {"aud": "another"},
            "expired": {"iat": now - 7200, "exp": now - 3600},
            "nonce": {"nonce": "of another login"},
        }.get(person, {})
        if person == "unsigned":
            parts = ('{"alg":"none"}', json.dumps(claims), "")
            return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts)
        if person == "symmetric":
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
        key = self.other if person == "key" else self.key
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)


def main() -> None:
    """Serve until stopped."""
    port, issuer = int(sys.argv[1]), sys.argv[2]
    provider = Provider(issuer)
    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", provider.metadata),
            Route("/jwks", provider.jwks),
            Route("/authorize", provider.authorize),
            Route("/token", provider.token, methods=["POST"]),
            Route("/logout", provider.logout),
            Route("/favicon.ico", lambda _: Response(status_code=204)),
        ]
    )
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
