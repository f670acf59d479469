using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using WolfScale.Consensus;
using WolfScale.Simulation;

namespace WolfScale.Scenarios;

/// <summary>
/// Runs the commands of a script and returns what they print.
/// <code>
/// cluster n1 n2 n3[:learner|:never_leader|:witness|:unfit|:outside]…     a cluster, started
/// mode available                      before `cluster`; epochs are printed as COUNTER.NODE
/// options KEY=VALUE…                                                    before `cluster`: properties of RaftOptions
/// wait MS · run MS                    time passes, nothing else · time passes and everything is delivered and synced at once
/// deliver · drop · double [A->B… [TYPE]]                                 messages in flight: all, on these links, of this type
/// hold A->B… · release                messages on these links wait
/// sync [N…] · stabilize               logs become durable · deliver and sync until all is said
/// cut A B… (every pair, both ways) · cut A->B… · isolate N… · heal
/// propose N ENTRIES [BYTES] [term T] · read N CONTEXT · transfer N [TARGET] · fit N · unfit N
/// change N add|promote|demote|remove|never_leader|may_lead TARGET
/// disconnect N PEER · connect N PEER   N's connection from PEER has ended · PEER has connected to N
/// crash N… (unsynced writes are lost) · start N… · wipe N… (a new incarnation, down)
/// show [N…] · log [N…] · peers N
/// A command that ends in ` quietly` prints only roles, commits, alarms, reads and transfers.
/// </code>
/// </summary>
internal sealed class ScriptRunner
{
    private readonly StringBuilder _output = new();
    private ScriptedCluster _cluster;
    private bool _quiet;

    public ScriptRunner() => _cluster = new ScriptedCluster(Print);

    public string Run(string line)
    {
        _output.Clear();
        _quiet = line.EndsWith(" quietly", StringComparison.Ordinal);
        string[] words = (_quiet ? line[..^" quietly".Length] : line).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Command(words[0], words[1..]);
        return _output.ToString();
    }

    private void Command(string verb, string[] args)
    {
        switch (verb)
        {
            case "options": SetOptions(args); break;
            case "mode": _cluster.Mode = Enum.Parse<ClusterMode>(args[0], ignoreCase: true); break;
            case "cluster": Create(args); break;
            case "wait": _cluster.Wait(Number(args[0])); break;
            case "freeze": _cluster.Freeze(Number(args[0])); break;
            case "run": _cluster.Run(Number(args[0])); break;
            case "deliver": _cluster.Deliver(Links(args)); break;
            case "drop": Say($"dropped {_cluster.Drop(Links(args))}"); break;
            case "double": _cluster.Duplicate(Links(args)); break;
            case "hold": ForLinks(args, _cluster.Hold); break;
            case "release": _cluster.Release(); break;
            case "sync": ForNodes(args, _cluster.Sync); break;
            case "stabilize": _cluster.Stabilize(); break;
            case "cut": Cut(args); break;
            case "isolate": Isolate(args); break;
            case "heal": _cluster.Heal(); break;
            case "crash": ForNodes(args, node => node.Crash()); break;
            case "start": ForNodes(args, _cluster.Start); break;
            case "wipe": ForNodes(args, node => node.Wipe()); break;
            case "show": ForNodes(args, Show); break;
            case "log": ForNodes(args, node => Say(Format.Log(node))); break;
            default: NodeCommand(verb, _cluster.Node(args[0]), args[1..]); break;
        }
    }

    private void NodeCommand(string verb, ScriptedNode node, string[] args)
    {
        RaftCore core = node.Core ?? throw new ArgumentException($"{node.Id} is down");
        switch (verb)
        {
            case "propose": Propose(node, core, args); break;
            case "read": Answer(core.BeginReadIndex(Number(args[0]), node.Effects), ReadIndexResult.Started); break;
            case "transfer": Transfer(node, core, args.Length == 0 ? null : _cluster.Node(args[0]).Key); break;
            case "fit": node.SetFitness(Fitness.Fit); break;
            case "unfit": node.SetFitness(Fitness.Unfit); break;
            case "connect": core.PeerConnected(_cluster.NowMs, _cluster.Node(args[0]).Key, node.Effects); break;
            case "disconnect": core.PeerDisconnected(_cluster.NowMs, _cluster.Node(args[0]).Key, node.Effects); break;
            case "change": Answer(core.ProposeConfiguration(Change(core, args[0], args[1]), node.Effects).Result, ConfigurationResult.Accepted); break;
            case "peers": Peers(core); break;
            default: throw new ArgumentException($"unknown command {verb}");
        }

        _cluster.Execute(node);
    }

    private void SetOptions(string[] args)
    {
        foreach (string arg in args)
        {
            string[] pair = arg.Split('=');
            var property = typeof(RaftOptions).GetProperty(pair[0]) ?? throw new ArgumentException($"no option {pair[0]}");
            property.SetValue(_cluster.Options, Convert.ChangeType(pair[1], property.PropertyType, CultureInfo.InvariantCulture));
        }
    }

    private void Create(string[] args)
    {
        _cluster = new ScriptedCluster(Print) { Options = _cluster.Options, Mode = _cluster.Mode };
        var members = ImmutableArray.CreateBuilder<Member>();
        var outsiders = new List<NodeKey>();
        foreach (string arg in args)
        {
            string[] parts = arg.Split(':');
            var key = new NodeKey(parts[0], 1);
            if (parts.Contains("outside"))
                outsiders.Add(key);
            else
                members.Add(MemberOf(key, parts));
        }

        _cluster.Bootstrap(members.ToImmutable(), outsiders, args.Where(arg => arg.Split(':').Contains("unfit")).Select(arg => arg.Split(':')[0]).ToHashSet());
    }

    private static Member MemberOf(NodeKey key, string[] words) => new(
        key, key.Id, words.Contains("learner") ? MemberRole.Learner : MemberRole.Voter, words.Contains("never_leader"), words.Contains("witness"));

    private void Transfer(ScriptedNode node, RaftCore core, NodeKey? to) =>
        Answer(core.TransferLeadership(_cluster.NowMs, to, node.Effects), TransferResult.Started);

    private void Propose(ScriptedNode node, RaftCore core, string[] args)
    {
        int entries = (int)Number(args[0]);
        int bytes = args.Length > 1 && args[1] != "term" ? (int)Number(args[1]) : 100;
        int termAt = Array.IndexOf(args, "term");
        ProposeOutcome outcome = core.Propose(entries, bytes, termAt < 0 ? core.Term : Number(args[termAt + 1]), node.Effects);
        if (!outcome.Accepted)
        {
            Say(outcome.Result.ToString());
            return;
        }

        var batch = new BatchInfo(outcome.FirstLsn, outcome.FirstLsn + entries - 1, outcome.Term, bytes);
        node.Log.Append(batch, ScriptedNode.PayloadOf(batch));
    }

    private ConfigurationChange Change(RaftCore core, string verb, string target)
    {
        NodeKey key = core.Configuration?.FindById(target)?.Key ?? _cluster.Node(target).Key;
        return verb switch
        {
            "add" => new ConfigurationChange.AddLearner(_cluster.Node(target).Key, target),
            "promote" => new ConfigurationChange.Promote(key),
            "demote" => new ConfigurationChange.Demote(key),
            "remove" => new ConfigurationChange.Remove(key),
            "never_leader" => new ConfigurationChange.Update(key, target, true, false),
            "may_lead" => new ConfigurationChange.Update(key, target, false, false),
            _ => throw new ArgumentException($"unknown change {verb}"),
        };
    }

    private void Show(ScriptedNode node)
    {
        Say(node.Core is null ? $"{node.Id}: down" : Format.Status(node.Id, node.Core.Status()));
    }

    private void Peers(RaftCore core)
    {
        foreach (PeerStatus peer in core.Status().Peers)
            Say(Format.Peer(peer));
    }

    private void Cut(string[] args)
    {
        if (args[0].Contains("->", StringComparison.Ordinal))
        {
            ForLinks(args, _cluster.Cut);
            return;
        }

        foreach (string a in args)
            foreach (string b in args.Where(b => b != a))
                _cluster.Cut(a, b);
    }

    private void Isolate(string[] args)
    {
        foreach (ScriptedNode other in _cluster.Nodes.Where(node => !args.Contains(node.Id)))
        {
            foreach (string id in args)
            {
                _cluster.Cut(id, other.Id);
                _cluster.Cut(other.Id, id);
            }
        }
    }

    private void ForNodes(string[] ids, Action<ScriptedNode> act)
    {
        foreach (ScriptedNode node in _cluster.Nodes.Where(node => ids.Length == 0 || ids.Contains(node.Id)).ToList())
            act(node);
    }

    private static void ForLinks(string[] links, Action<string, string> act)
    {
        foreach (string link in links)
        {
            string[] ends = link.Split("->");
            act(ends[0], ends[1]);
        }
    }

    private static Func<Message, bool> Links(string[] words)
    {
        string[] links = [.. words.Where(word => word.Contains("->", StringComparison.Ordinal))];
        string[] types = [.. words.Except(links)];
        return message => (links.Length == 0 || links.Contains($"{message.From.Id}->{message.To.Id}"))
            && (types.Length == 0 || types.Contains(message.GetType().Name));
    }

    private void Answer<T>(T result, T usual)
        where T : struct, Enum
    {
        if (!result.Equals(usual))
            Say(result.ToString());
    }

    private void Print(string line)
    {
        string[] details = ["->", ": persist", ": append"];
        if (!_quiet || !Array.Exists(details, detail => line.Contains(detail, StringComparison.Ordinal)))
            Say(line);
    }

    private void Say(string line) => _output.Append(Format.Epochs(line)).Append('\n');

    private static long Number(string word) => long.Parse(word, CultureInfo.InvariantCulture);
}
