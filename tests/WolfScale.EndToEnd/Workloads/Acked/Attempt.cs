namespace WolfScale.EndToEnd.Workloads.Acked;

/// <summary>What a client knows of one insert.</summary>
internal enum Outcome
{
    /// <summary>Sent, and no answer yet. At the end the same as <see cref="Unknown"/>.</summary>
    InFlight,

    /// <summary>The server answered OK: it must be there, once, for ever.</summary>
    Acknowledged,

    /// <summary>The server answered that it did not do it: it must never appear.</summary>
    Refused,

    /// <summary>The connection broke, or the server's error leaves the outcome open: both are right.</summary>
    Unknown,
}

/// <summary>One insert with an id of its own; every id is tried once and never again.</summary>
internal sealed class Attempt(long id, string server, TimeSpan started)
{
    private volatile Outcome _outcome;

    public long Id => id;

    public string Server => server;

    /// <summary>When it was sent, on the writer's clock.</summary>
    public TimeSpan Started => started;

    /// <summary>When the answer came; meaningless while in flight.</summary>
    public TimeSpan Ended { get; private set; }

    public Outcome Outcome => _outcome;

    /// <summary>The server's error number, or the connector's word for a broken connection.</summary>
    public string? Error { get; private set; }

    public void End(Outcome outcome, TimeSpan at, string? error = null)
    {
        Ended = at;
        Error = error;
        _outcome = outcome;
    }

    public override string ToString() =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{id} on {server}: {_outcome}, sent {started.TotalSeconds:0.000} s, answered {Ended.TotalSeconds:0.000} s {Error}");
}
