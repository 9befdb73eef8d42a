using System.CommandLine;
using MessageDelivery.Fuzz;
using MessageDelivery.Fuzz.Inputs;
using MessageDelivery.Fuzz.Targets;

var target = new Argument<string>("target") { Description = "What to try." };
target.AcceptOnlyFromAmong([.. FuzzTargets.All.Keys]);
var root = new RootCommand("Tries what must hold for any bytes; ./fuzz calls it.");

var run = new Command("run", "Takes inputs from AFL++, whose libraries have been instrumented.") { target };
run.SetAction(parsed =>
{
    var tried = FuzzTargets.All[parsed.GetRequiredValue(target)];
    SharpFuzz.Fuzzer.Run(stream =>
    {
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        tried(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    });
});
root.Add(run);

var files = new Argument<string[]>("files") { Description = "Inputs.", Arity = ArgumentArity.OneOrMore };
var input = new Command("try", "Tries files.") { target, files };
input.SetAction(parsed =>
{
    foreach (string file in parsed.GetRequiredValue(files))
    {
        FuzzTargets.All[parsed.GetRequiredValue(target)](File.ReadAllBytes(file));
        Console.WriteLine($"{file}: all holds");
    }
});
root.Add(input);

var mutations = new Option<int>("--mutations") { Description = "Inputs made of each corpus beside it.", DefaultValueFactory = _ => 1_000 };
var seed = new Option<int>("--seed") { Description = "What they are made with.", DefaultValueFactory = _ => Replay.Seed };
var replay = new Command("replay", "Tries every corpus, and inputs made of it.") { mutations, seed };
replay.SetAction(parsed =>
{
    foreach (string name in FuzzTargets.All.Keys)
    {
        var begin = System.Diagnostics.Stopwatch.StartNew();
        int tried = Replay.Run(name, parsed.GetValue(mutations), parsed.GetValue(seed));
        Console.WriteLine($"{name,-14}{tried,8} inputs{begin.Elapsed.TotalSeconds,8:0.0} s");
    }
});
root.Add(replay);

var folder = new Argument<string>("folder") { Description = "Where to, one folder for each target." };
var corpus = new Command("corpus", "Writes first inputs, made of the golden vectors.") { folder };
corpus.SetAction(parsed =>
{
    foreach (string name in FuzzTargets.All.Keys)
    {
        CorpusFolder.Save(Path.Combine(parsed.GetRequiredValue(folder), name), SeedCorpus.For(name));
    }
});
root.Add(corpus);
return root.Parse(args).Invoke();
