using WolfScale.Protocol;

namespace WolfScale.Proxy.Routing;

/// <summary>When a write passed the proxy; microseconds of its clock, which never jumps.</summary>
/// <param name="Gtid">As its server reports it.</param>
/// <param name="ArrivedUs">The client's command was there.</param>
/// <param name="SentUs">It went to the server.</param>
/// <param name="AnsweredUs">The server's OK was there.</param>
/// <param name="PassedUs">The OK went to the client.</param>
public readonly record struct WriteTimes(Gtid Gtid, long ArrivedUs, long SentUs, long AnsweredUs, long PassedUs);

/// <summary>Is told of the writes that pass the leader's proxy.</summary>
public interface IWriteTraces
{
    /// <summary>Its client has its OK. Called on the proxy's threads: must be short.</summary>
    void Passed(in WriteTimes times);
}
