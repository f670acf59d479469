using WolfScale.Protocol;
using WolfScale.Proxy.Routing;

namespace WolfScale.Proxy.Sessions;

/// <summary>When the write under way passed this proxy, where somebody wants to know.</summary>
internal sealed partial class ClientSession
{
    private long _arrivedUs;
    private long _answeredUs; // 0: no OK with a GTID yet
    private Gtid _tracedGtid;

    private void TraceArrival()
    {
        if (_context.Options.Traces is not null)
            (_arrivedUs, _answeredUs) = (_loop.NowUs, 0);
    }

    /// <summary>The server says OK; of a statement that makes several transactions the last counts.</summary>
    private void TraceAnswer(Gtid gtid)
    {
        if (_context.Options.Traces is not null && _tracedGtid != gtid)
            (_answeredUs, _tracedGtid) = (_loop.NowUs, gtid);
    }

    private void TracePassed()
    {
        if (_answeredUs == 0 || _context.Options.Traces is not { } traces)
            return;
        traces.Passed(new WriteTimes(_tracedGtid, _arrivedUs, _sentAtUs, _answeredUs, _loop.NowUs));
        _answeredUs = 0;
    }
}
