"""A proxy as some networks have them: it holds an answer back until all of it is there."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

_NOT_OURS = {"transfer-encoding", "content-length", "connection", "content-encoding"}


@asynccontextmanager
async def buffering_proxy(upstream: str) -> AsyncGenerator[str]:
    """The address of a proxy before `upstream` that buffers every answer completely."""
    async with ClientSession(auto_decompress=True) as session:

        async def forward(request: web.Request) -> web.Response:
            kept = {k: v for k, v in request.headers.items() if k.lower() not in {"host"}}
            async with session.request(
                request.method,
                upstream + request.path_qs,
                data=await request.read(),
                headers=kept,
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
                headers = {k: v for k, v in answer.headers.items() if k.lower() not in _NOT_OURS}
                return web.Response(status=answer.status, body=body, headers=headers)

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", forward)
        async with TestServer(application) as server:
            yield str(server.make_url("")).rstrip("/")
