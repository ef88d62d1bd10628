"""The HTTP application: routers, error answers, and what lives as long as the process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from app import __version__
from app.access.audit import endpoints as audit_log
from app.access.authentication import Keyring, claimant_of
from app.access.oauth import endpoints as oauth
from app.access.projects import endpoints as projects
from app.access.stacking_rules import endpoints as stacking_rules
from app.commerce.custom_events import client_side as custom_events_client_side
from app.commerce.custom_events import endpoints as custom_events
from app.commerce.customers import endpoints as customers
from app.commerce.metadata_schemas import endpoints as metadata_schemas
from app.commerce.orders import endpoints as orders
from app.commerce.product_collections import endpoints as product_collections
from app.commerce.products import endpoints as products
from app.commerce.segments import endpoints as segments
from app.decisions.client_side import endpoints as checkout_client_side
from app.decisions.merges import endpoints as merges
from app.decisions.milestones import endpoints as milestone_choices
from app.decisions.qualifications import endpoints as qualifications
from app.decisions.redemptions import endpoints as redemptions
from app.decisions.refunds import endpoints as refunds
from app.decisions.reward_redemptions import endpoints as reward_redemptions
from app.decisions.sessions import endpoints as sessions
from app.decisions.validations import endpoints as validations
from app.distribution.dead_letters import endpoints as dead_letters
from app.distribution.exports import endpoints as exports
from app.distribution.goodwill import endpoints as goodwill
from app.distribution.goodwill_settings import endpoints as goodwill_settings
from app.distribution.publications import client_side as publications_client_side
from app.distribution.publications import endpoints as publications
from app.incentives import client_side as incentives_client_side
from app.incentives.async_actions import endpoints as async_actions
from app.incentives.balances import endpoints as balances
from app.incentives.campaigns import endpoints as campaigns
from app.incentives.categories import endpoints as categories
from app.incentives.earning_rules import endpoints as earning_rules
from app.incentives.loyalties import endpoints as loyalties
from app.incentives.loyalty_tiers import endpoints as loyalty_tiers
from app.incentives.milestones import endpoints as milestones
from app.incentives.promotions import endpoints as promotions
from app.incentives.referrals import endpoints as referrals
from app.incentives.referrals import program_endpoints as referral_programs
from app.incentives.rewards import endpoints as rewards
from app.incentives.statements import endpoints as statements
from app.incentives.validation_rules import endpoints as validation_rules
from app.incentives.vouchers import endpoints as vouchers
from app.incentives.wallets import endpoints as wallets
from app.insights.invariants import endpoints as invariants
from app.kit import clock, health
from app.kit.cors import ClientCors
from app.kit.db import Database
from app.kit.failures import answer_failures
from app.kit.front_door import FrontDoor
from app.kit.logs import configure_logs
from app.kit.openapi import describe
from app.settings import Settings

ROUTERS: tuple[APIRouter, ...] = (
    validations.router,
    redemptions.router,
    qualifications.router,
    orders.router,
    customers.router,
    merges.router,
    products.router,
    segments.router,
    product_collections.router,
    custom_events.router,
    metadata_schemas.router,
    wallets.router,
    health.router,
    oauth.router,
    projects.router,
    stacking_rules.router,
    audit_log.router,
    dead_letters.router,
    exports.router,
    sessions.router,
    vouchers.router,
    balances.router,
    campaigns.router,
    loyalties.router,
    loyalty_tiers.router,
    loyalty_tiers.extension,
    promotions.router,
    rewards.router,
    reward_redemptions.router,
    milestones.router,
    milestone_choices.router,
    categories.router,
    async_actions.router,
    validation_rules.router,
    publications.router,
    goodwill.router,
    goodwill_settings.router,
    checkout_client_side.router,
    incentives_client_side.router,
    custom_events_client_side.router,
    publications_client_side.router,
    refunds.router,
    statements.router,
    invariants.router,
    referrals.router,
    earning_rules.router,
    referral_programs.router,
)
"""Every router of the service; the busiest first, because routes are tried in this order."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application on the database of `settings`; without them, those of the environment."""
    settings = settings or Settings()
    configure_logs(settings.log_level)
    clock.shift(settings.clock_offset_seconds)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        assert settings.database_url is not None, "the launcher sets the URL of the embedded database"
        app.state.database = Database(
            settings.database_url,
            pool_size=settings.pool_size,
            statement_seconds=settings.statement_seconds,
            lock_seconds=settings.lock_seconds,
            pool_seconds=settings.pool_seconds,
        )
        yield
        await app.state.database.close()

    app = FastAPI(
        title="Guerdon",
        version=__version__,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url="/docs" if settings.docs else None,
        redoc_url=None,
        openapi_url="/openapi.json" if settings.docs else None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings
    app.state.keyring = Keyring()
    app.state.claimant_of = claimant_of
    answer_failures(app)
    describe(app)
    # Not include_router: it nests routers, and every request would be matched against each of them twice.
    app.router.routes[:0] = [route for router in ROUTERS for route in router.routes]
    app.add_middleware(
        FrontDoor,
        routes=app.router.routes,
        body_limit_bytes=settings.body_limit_bytes,
        request_seconds=settings.request_seconds,
        requests_in_flight=settings.requests_in_flight,
        log_requests=settings.log_level in ("debug", "info"),
    )
    app.add_middleware(ClientCors)
    return app
