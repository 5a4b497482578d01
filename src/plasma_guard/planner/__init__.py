"""The exit planner: what is kept and what the chain says in, a plan out. Pure: no clock, no I/O."""

from plasma_guard.planner.facts import Bounties, ChainFacts, PlanPolicy, QueueFacts
from plasma_guard.planner.planning import plan

__all__ = ["Bounties", "ChainFacts", "PlanPolicy", "QueueFacts", "plan"]
