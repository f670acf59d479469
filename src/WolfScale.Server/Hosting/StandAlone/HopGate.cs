using WolfScale.Protocol;
using WolfScale.Proxy.Routing;

namespace WolfScale.Server.Hosting.StandAlone;

/// <summary>Behind a hop the leader's own proxy holds an OK back until the quorum has it; here it is the cluster's word already.</summary>
internal sealed class HopGate : IQuorumGate
{
    public QuorumAnswer Ask(Gtid gtid, long epoch, int closings) => QuorumAnswer.Held;

    public Task<bool> LogsAsync() => Task.FromResult(true);
}
