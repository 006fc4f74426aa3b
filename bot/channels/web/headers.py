"""Headers of every answer: nothing is stored, nothing is told to others, nothing foreign runs."""

_EVERYWHERE = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

ASSET_HEADERS = {**_EVERYWHERE, "Content-Security-Policy": "default-src 'none'"}

PAGE_HEADERS = {
    **_EVERYWHERE,
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Permissions-Policy": ", ".join(
        f"{what}=()"
        for what in (
            "browsing-topics",
            "camera",
            "display-capture",
            "geolocation",
            "microphone",
            "payment",
            "usb",
        )
    ),
    "X-Frame-Options": "DENY",
}

CLEARING = {"Clear-Site-Data": '"cache", "storage"'}
"""On pages that end something. There should be nothing to clear; the browser makes sure.

Not of cookies: we set none, and those of the whole host would go, the console's on another port
of it among them.
"""
