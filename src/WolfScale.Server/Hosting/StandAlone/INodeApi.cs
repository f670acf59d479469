using WolfScale.Server.Http;

namespace WolfScale.Server.Hosting.StandAlone;

/// <summary>What is asked of a node over HTTP. Every question ends in time.</summary>
internal interface INodeApi
{
    /// <summary>The cluster as this node sees it.</summary>
    /// <exception cref="NodeSilentException">It does not answer, or not as a node does.</exception>
    Task<ClusterDocument> ClusterAsync(Uri api, CancellationToken cancellationToken);

    /// <summary>See <see cref="IProxyQuestions.ReadIndexAsync"/>.</summary>
    /// <exception cref="NodeSilentException">It could not be had from this node.</exception>
    Task<ReadIndexDocument> ReadIndexAsync(Uri api, CancellationToken cancellationToken);

    /// <summary>See <see cref="IProxyQuestions.HiddenNames"/>.</summary>
    /// <exception cref="NodeSilentException">They could not be had from this node.</exception>
    Task<HiddenNamesDocument> HiddenNamesAsync(Uri api, CancellationToken cancellationToken);

    /// <summary>See <see cref="IProxyQuestions.AccountHashesAsync"/>.</summary>
    /// <exception cref="NodeSilentException">They could not be had from this node.</exception>
    Task<IReadOnlyList<byte[]>> AccountHashesAsync(Uri api, string user, CancellationToken cancellationToken);
}

/// <summary>A node could not be asked; the message says why, for people.</summary>
internal sealed class NodeSilentException(string message) : Exception(message);
