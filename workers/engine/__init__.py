"""The engine: how a step is claimed, held, executed, reverted and finished."""
