namespace WolfScale.Server.Http;

/// <summary>Where the HTTP side reads the node's facts: one immutable snapshot, swapped whole.</summary>
public interface INodeReportSource
{
    NodeReport Current { get; }
}
