"""The exit planner: what is kept and what the chain says in, a plan out. Pure: no clock, no I/O."""

from plasma_guard.planner.facts import ChainFacts, PlanPolicy, QueueFacts
from plasma_guard.planner.planning import plan

__all__ = ["ChainFacts", "PlanPolicy", "QueueFacts", "plan"]
