"""Headers of every answer: nothing is stored, nothing foreign runs, nobody frames a page."""

_EVERYWHERE = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not `no-referrer`: with it a browser cannot say that a form came from our own page.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), usb=()",
}


def _policy(framed_by: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self'",
            "frame-src 'self'",
            "form-action 'self'",
            f"frame-ancestors {framed_by}",
            "base-uri 'none'",
        )
    )


PAGE_HEADERS = {
    **_EVERYWHERE,
    "Content-Security-Policy": _policy("'none'"),
    "X-Frame-Options": "DENY",
}

FRAME_HEADERS = {
    **_EVERYWHERE,
    "Content-Security-Policy": _policy("'self'"),
    "X-Frame-Options": "SAMEORIGIN",
}
"""The part of a page without JavaScript that loads itself again and again."""

ASSET_HEADERS = {**_EVERYWHERE, "Content-Security-Policy": "default-src 'none'"}
