namespace WolfScale.Simulation;

/// <summary>The checker's verdict: something happened that must never happen.</summary>
public sealed class InvariantViolationException(string message) : Exception(message);
