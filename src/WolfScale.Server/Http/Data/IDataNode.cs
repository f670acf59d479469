using WolfScale.Server.Http.Data.Sessions;

namespace WolfScale.Server.Http.Data;

/// <summary>What the data routes ask their node.</summary>
internal interface IDataNode
{
    /// <summary>How to reach the node's proxy; null where it has none, and why.</summary>
    (SessionOptions? Options, string Why) Proxy { get; }

    /// <summary>It leads, and its server takes writes: it does what one node must do for all.</summary>
    bool Serves { get; }

    /// <summary>The node stops: nothing is waited for any more.</summary>
    CancellationToken Stopping { get; }
}
