using System.CommandLine;
using MessageDelivery.Torture.Processes;
using MessageDelivery.Torture.Proxy;
using MessageDelivery.Torture.Running;

var minutes = new Option<double>("--minutes") { Description = "How long to load the hub; draining comes on top.", DefaultValueFactory = _ => 2 };
minutes.Validators.Add(result =>
{
    if (result.GetValueOrDefault<double>() is not (> 0 and <= 10_080))
    {
        result.AddError("--minutes is above 0 and at most 10080, a week.");
    }
});
var seed = new Option<int>("--seed") { Description = "Plans faults and load; the same seed plans the same.", DefaultValueFactory = _ => 1 };
var rate = new Option<double>("--rate") { Description = "Relays a second, of all clients together.", DefaultValueFactory = _ => 5_000 };
var soak = new Option<bool>("--soak") { Description = "No faults; fails if the hub's memory grows." };
var breaking = new Option<SabotageKind?>("--break") { Description = "What the proxy is to do wrong in the hub's name: the run has to fail." };
var json = new Option<FileInfo?>("--json") { Description = "Also write the figures to this file." };
Option<int> Count(string name, int byDefault, string what) => new(name) { Description = $"How many {what}.", DefaultValueFactory = _ => byDefault };
var raw = Count("--raw", 20, "resumable clients on raw bytes");
var library = Count("--library", 16, "clients of the client library");
var plain = Count("--plain", 6, "binary clients whose sessions end with their connections");
var text = Count("--text", 4, "clients of the text protocol");
var processes = Count("--processes", 4, "clients in processes of their own, which are stopped and killed");
var typeScript = Count("--typescript", 8, "clients of the TypeScript library in processes of their own, half of them over WebSocket; with --clients typescript");
var clients = new Option<string>("--clients")
{
    Description = "Whose client libraries take part: csharp, typescript, or both with a comma between.",
    DefaultValueFactory = _ => "csharp",
};
clients.Validators.Add(result =>
{
    if (result.GetValueOrDefault<string>()!.Split(',').Except(["csharp", "typescript"]).FirstOrDefault() is { } unknown)
    {
        result.AddError($"--clients is csharp, typescript or both, not '{unknown}'.");
    }
});

var root = new RootCommand("Runs a hub among faults made on purpose, and checks from the whole history that nothing is lost.")
{
    minutes, seed, rate, soak, breaking, json, raw, library, plain, text, processes, clients, typeScript,
};
root.SetAction((arguments, cancellationToken) => new TortureRun(new(
    TimeSpan.FromMinutes(arguments.GetValue(minutes)),
    arguments.GetValue(seed),
    arguments.GetValue(rate),
    arguments.GetValue(soak),
    arguments.GetValue(breaking),
    arguments.GetValue(json),
    new(
        arguments.GetValue(raw),
        TakesPart(arguments, "csharp") ? arguments.GetValue(library) : 0,
        arguments.GetValue(plain),
        arguments.GetValue(text),
        arguments.GetValue(processes),
        TakesPart(arguments, "typescript") ? arguments.GetValue(typeScript) : 0)))
    .RunAsync(cancellationToken));

var number = new Option<int>("--number");
var endpoint = new Option<string>("--endpoint") { Required = true };
var run = new Option<uint>("--run");
var clientSeed = new Option<int>("--seed");
var clientRate = new Option<double>("--rate");
var confirm = new Option<bool>("--confirm");
var faults = new Option<bool>("--faults");
var client = new Command("client", "A client in a process of its own, which the torture starts.")
{
    number, endpoint, run, clientSeed, clientRate, confirm, faults,
};
client.Hidden = true;
client.SetAction((arguments, _) => ClientProgram.RunAsync(new(
    arguments.GetValue(number),
    arguments.GetValue(endpoint)!,
    arguments.GetValue(run),
    arguments.GetValue(clientSeed),
    arguments.GetValue(clientRate),
    arguments.GetValue(confirm),
    arguments.GetValue(faults))));
root.Add(client);
return await root.Parse(args).InvokeAsync();

bool TakesPart(ParseResult arguments, string kind) => arguments.GetValue(clients)!.Split(',').Contains(kind);
