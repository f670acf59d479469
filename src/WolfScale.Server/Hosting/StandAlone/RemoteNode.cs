using WolfScale.Server.Http;

namespace WolfScale.Server.Hosting.StandAlone;

/// <summary>A node as the proxy hears of it. Changed under the lock of <see cref="RemoteRoutes"/>.</summary>
internal sealed class RemoteNode(Uri api, bool isPeer)
{
    public Uri Api => api;

    /// <summary>It was named by whoever set the proxy up, and is asked for ever; others as long as they are members.</summary>
    public bool IsPeer { get; set; } = isPeer;

    /// <summary>Discovery has heard it; as long as it never answers it is asked while it is heard.</summary>
    public bool IsFound { get; init; }

    /// <summary>The last answer that was accepted.</summary>
    public ClusterDocument? Answer { get; set; }

    /// <summary>When it was asked for.</summary>
    public long AskedAt { get; set; }

    /// <summary>Why the last question brought nothing that counts, or null.</summary>
    public string? Problem { get; set; }

    /// <summary>Connections of this proxy to the node's when it answered.</summary>
    public int OwnConnections { get; set; }

    /// <summary>Completed: it is to be asked at once.</summary>
    public TaskCompletionSource Wake { get; set; } = New();

    /// <summary>It is not asked any more.</summary>
    public CancellationTokenSource Ended { get; } = new();

    public bool IsHeard => Answer is not null && Problem is null;

    public static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
