suppressMessages(library(survey)); d<-read.csv("blanks.csv",colClasses=c(tinh="character")); options(survey.lonely.psu="adjust")
ds<-svydesign(id=~1,strata=~tinh,weights=~w,data=d); q<-paste0("q",1:5)
sink("alone_r.csv"); cat("where,variable,n,estimate,se,df,lo,hi,deff\n")
for(wh in c("ALL","18-34","35-59","60+")) { s<-if(wh=="ALL") ds else subset(ds,tuoi==wh)
 put<-function(v,sv,m,value) { df<-degf(sv); ci<-value+c(-1,1)*qt(.975,df)*SE(m); cat(sprintf("%s,%s,%d,%.17g,%.17g,%d,%.17g,%.17g,%.17g\n",wh,v,sum(weights(sv)>0),value,SE(m),df,ci[1],ci[2],deff(m))) }
 for(v in q) { sv<-s[!is.na(s$variables[[v]]),]; m<-svymean(as.formula(paste0("~",v)),sv,deff=TRUE); put(v,sv,m,coef(m)) }
 # the index: its linearised ballots, over those that answered any of its items
 sv<-s[rowSums(!is.na(s$variables[,q]))>0,]; w<-weights(sv); z<-0; value<-0
 for(v in q) { y<-sv$variables[[v]]; a<-!is.na(y); m<-sum((w*y)[a])/sum(w[a]); value<-value+m/5/5*100; z<-z+ifelse(a,(y-m)/sum(w[a]),0)/5/5*100*sum(w) }
 sv$variables$z<-z; put("i5",sv,svymean(~z,sv,deff=TRUE),value) }
sink()
