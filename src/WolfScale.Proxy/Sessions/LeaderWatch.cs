using System.Net;
using WolfScale.Proxy.Net;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// Notices that another node leads, for the sessions that wait for the old one's answer: a machine that is frozen or unplugged says nothing, and while its kernel
/// lives its connections look sound. It asks ten times a second, so that whoever knows the routes need not tell. On the first loop's thread.
/// </summary>
internal sealed class LeaderWatch(ProxyContext context, IReadOnlyList<EventLoop> loops)
{
    private const int LookMs = 100;

    private EndPoint? _leader;

    public void Look()
    {
        _ = loops[0].After(LookMs, Look);
        if (context.Routes.Current.Leader is not { } leader || leader.Equals(_leader))
            return;
        var isFirst = _leader is null;
        _leader = leader;
        if (isFirst)
            return;
        foreach (var loop in loops)
            loop.Post(() => context.TellOfAnotherLeader(loop));
    }
}
