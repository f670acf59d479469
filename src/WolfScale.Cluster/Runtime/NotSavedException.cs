namespace WolfScale.Cluster.Runtime;

/// <summary>Entries that are to be cut off could not be saved: nothing was cut off, and the node takes no part until they are.</summary>
internal sealed class NotSavedException(string message, Exception inner) : Exception(message, inner);
