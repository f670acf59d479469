namespace WolfScale.Cluster.History;

/// <summary>Where the parts that know tell what has happened, and why.</summary>
public interface IEventSink
{
    /// <summary>Never blocks and never throws: callable from the commit path, under locks, and while the node stops.</summary>
    /// <param name="kind">One of <see cref="EventKinds"/>.</param>
    /// <param name="message">What happened and why, for a person.</param>
    /// <param name="details">The facts in it: text, numbers, truth values.</param>
    void Record(string kind, string message, params ReadOnlySpan<(string Name, object? Value)> details);

    /// <summary>As <see cref="Record"/>; <paramref name="transactions"/> more have been discarded.</summary>
    void RecordDiscarded(int transactions, string kind, string message, params ReadOnlySpan<(string Name, object? Value)> details);
}
