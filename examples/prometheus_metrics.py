"""Figures for Prometheus at /metrics: messages by what became of them, and how long calls and requests take."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from sepahan_sms import AsyncSepahan
from smscore import SMSError
from smscore.contrib.prometheus import PrometheusObserver


def new_app() -> web.Application:
    # One registry for the program; prometheus_client.REGISTRY has figures of the process, too.
    registry = CollectorRegistry()
    sms = AsyncSepahan(observers=[PrometheusObserver(registry)])  # SEPAHAN_TOKEN, SEPAHAN_SENDER

    async def welcome(request: web.Request) -> web.Response:
        try:
            await sms.send(str((await request.post()).get("mobile", "")), "خوش آمدید!")
        except SMSError as error:
            return web.json_response({"error": str(error)}, status=502)
        return web.json_response({})

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def close(_: web.Application) -> None:
        await sms.aclose()

    app = web.Application()
    app.add_routes([web.post("/welcome", welcome), web.get("/metrics", metrics)])
    app.on_cleanup.append(close)
    return app


if __name__ == "__main__":
    web.run_app(new_app())
