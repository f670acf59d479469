using WolfScale.Consensus;

namespace WolfScale.Simulation;

/// <summary>
/// Loses, doubles, delays and reorders messages, and cuts links one way or both. Addresses are ids: an incarnation is the core's own
/// concern.
/// </summary>
public sealed class SimulatedNetwork(EventQueue events, Random random, SimulationProfile profile, Action<Message> deliver)
{
    private readonly HashSet<(string From, string To)> _cut = [];

    /// <summary>After the faults: everything arrives, once, soon.</summary>
    public bool IsPerfect { get; set; }

    public void Send(Message message)
    {
        if (!IsPerfect && random.NextDouble() < profile.Loss)
            return;
        int copies = !IsPerfect && random.NextDouble() < profile.Duplication ? 2 : 1;
        for (int i = 0; i < copies; i++)
            events.In(DelayMs(), () => Arrive(message));
    }

    public void Cut(string from, string to) => _cut.Add((from, to));

    public void Heal() => _cut.Clear();

    private void Arrive(Message message)
    {
        if (!_cut.Contains((message.From.Id, message.To.Id)))
            deliver(message);
    }

    private int DelayMs()
    {
        if (IsPerfect)
            return 1;
        return random.NextDouble() < profile.LateProbability ? random.Next(profile.LateMs) : random.Next(profile.DelayMs) + 1;
    }
}
