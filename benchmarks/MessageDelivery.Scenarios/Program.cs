using System.CommandLine;
using MessageDelivery.Scenarios;

var root = new RootCommand("Plays situations that a hub must survive against the real process, and prints figures.");
root.Add(SlowReceiverScenario.Command());
root.Add(NeverReadsScenario.Command());
root.Add(IdleScenario.Command());
root.Add(HandshakesScenario.Command());
root.Add(ResumeScenario.Command());
root.Add(FullMemoryScenario.Command());
return await root.Parse(args).InvokeAsync();
